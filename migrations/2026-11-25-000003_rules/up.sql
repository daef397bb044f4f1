-- Rule packs: legal parameters as data, and the voltage of a line, by which some of them are told apart.

ALTER TABLE corridors ADD COLUMN voltage_kv double precision CONSTRAINT corridors_voltage_kv_positive CHECK (voltage_kv > 0);
COMMENT ON COLUMN corridors.voltage_kv IS 'Voltage of a power line, kV';

CREATE TABLE rule_packs (
    jurisdiction text NOT NULL CONSTRAINT rule_packs_jurisdiction_fkey REFERENCES jurisdictions (code),
    name text NOT NULL,
    version text NOT NULL,
    digest text NOT NULL,
    revision bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT rule_packs_pkey PRIMARY KEY (jurisdiction)
);
COMMENT ON TABLE rule_packs IS 'The rule pack by which a jurisdiction judges; one at a time, for its parameters have dates of their own';
COMMENT ON COLUMN rule_packs.version IS 'The same name and version never stand for two contents';
COMMENT ON COLUMN rule_packs.digest IS 'SHA-256 of the file, hexadecimal';
COMMENT ON COLUMN rule_packs.revision IS 'Revision of the jurisdiction in which it was loaded';

CREATE TABLE rule_parameters (
    jurisdiction text NOT NULL CONSTRAINT rule_parameters_pack_fkey REFERENCES rule_packs (jurisdiction) ON DELETE CASCADE,
    number integer NOT NULL,
    key text NOT NULL,
    value double precision NOT NULL,
    unit text NOT NULL CONSTRAINT rule_parameters_unit_known CHECK (unit IN ('m', 'km', 'm2', 'deg', 'kv', 'w', 'w_m2', 'mhz', 'vnd', 'day', 'working_day', 'month', 'year', 'count', 'ratio')),
    corridor_kind text CONSTRAINT rule_parameters_corridor_kind_known CHECK (corridor_kind IN ('road', 'railway', 'power_line', 'canal', 'reservoir', 'pipeline', 'airport', 'urban', 'mining', 'defence', 'other')),
    corridor_class text,
    voltage_from_kv double precision,
    voltage_to_kv double precision,
    work_kind text CONSTRAINT rule_parameters_work_kind_known CHECK (work_kind IN ('bts', 'mast', 'rooftop_mast', 'station_house', 'exchange', 'cabinet', 'pole', 'manhole', 'duct', 'aerial_cable', 'buried_cable', 'public_access_point')),
    document text,
    article text,
    valid_from date,
    valid_to date,
    confidence text NOT NULL CONSTRAINT rule_parameters_confidence_known CHECK (confidence IN ('law', 'default', 'check')),
    note text,
    CONSTRAINT rule_parameters_pkey PRIMARY KEY (jurisdiction, number),
    CONSTRAINT rule_parameters_period CHECK (valid_from <= valid_to),
    CONSTRAINT rule_parameters_voltages CHECK (voltage_from_kv <= voltage_to_kv)
);
COMMENT ON TABLE rule_parameters IS 'The parameters of the rule pack of a jurisdiction';
COMMENT ON COLUMN rule_parameters.number IS 'Its place in the file, from 1';
COMMENT ON COLUMN rule_parameters.key IS 'What it is, such as corridor.road.clearance_m';
COMMENT ON COLUMN rule_parameters.value IS 'How much, in the unit of the column unit';
COMMENT ON COLUMN rule_parameters.corridor_class IS 'Only for corridors of this class, in capitals; null is no condition, here and in the columns beside';
COMMENT ON COLUMN rule_parameters.voltage_from_kv IS 'Only for lines of at least this voltage, kV';
COMMENT ON COLUMN rule_parameters.voltage_to_kv IS 'Only for lines of at most this voltage, kV';
COMMENT ON COLUMN rule_parameters.document IS 'The document it stands in; null where it stands in no law, or where nobody looked it up';
COMMENT ON COLUMN rule_parameters.valid_from IS 'First day in force; null: always was';
COMMENT ON COLUMN rule_parameters.valid_to IS 'Last day in force; null: still is';
COMMENT ON COLUMN rule_parameters.confidence IS 'law: read in the document; default: our own choice; check: somebody has to look it up';

ALTER TABLE changes DROP CONSTRAINT changes_kind_known;
ALTER TABLE changes ADD CONSTRAINT changes_kind_known CHECK (kind IN ('insert', 'update', 'delete', 'bulk', 'coverage', 'rules'));
ALTER TABLE changes DROP CONSTRAINT changes_id_unless_bulk;
ALTER TABLE changes ADD CONSTRAINT changes_id_unless_bulk CHECK ((id IS NULL) = (kind IN ('bulk', 'rules')));
