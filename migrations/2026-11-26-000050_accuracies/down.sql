CREATE OR REPLACE FUNCTION version_digest(s site_checks) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(ROW(
        s.jurisdiction, s.id, s.name, s.lonlat, s.geom_grid, s.reach_m, s.subject, extract(epoch FROM s.at),
        to_char(s.day, 'YYYY-MM-DD'), extract(epoch FROM s.recorded_at), s.revisions, s.pack_name, s.pack_version,
        s.pack_digest, s.actor, s.organisation, s.roles, s.jurisdictions, s.told_by_budget, s.codes, s.verdicts,
        (SELECT string_agg(encode(d.digest, 'hex'), ' ' ORDER BY d.n) FROM unnest(s.digests) WITH ORDINALITY AS d (digest, n)),
        s.shown_layers, s.shown_jurisdictions, s.shown_ids, s.ground_layers, s.ground_jurisdictions, s.ground_ids,
        s.document, encode(s.hash, 'hex')
    )::text || coalesce(' ' || s.engine, ''), 'UTF8'))
$$;
ALTER TABLE site_checks DROP COLUMN accuracies;
