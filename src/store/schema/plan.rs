//! Plans and their zones.

use super::sql_types;

diesel::table! {
    /// Versions of plans.
    plans (jurisdiction, id) {
        jurisdiction -> Text,
        id -> Uuid,
        code -> Text,
        number -> Integer,
        amends -> Nullable<Uuid>,
        name -> Nullable<Text>,
        organisation -> Text,
        visibility -> Text,
        state -> Text,
        makers -> Array<Text>,
        appraisal_number -> Nullable<Text>,
        submission_number -> Nullable<Text>,
        decision_number -> Nullable<Text>,
        decision_date -> Nullable<Date>,
        decision_signer -> Nullable<Text>,
        decision_authority -> Nullable<Text>,
        decision_sha256 -> Nullable<Binary>,
        decided_by -> Nullable<Text>,
        check_run -> Nullable<Uuid>,
        effective_from -> Nullable<Date>,
        effective_to -> Nullable<Date>,
        published_on -> Nullable<Date>,
        ended_on -> Nullable<Date>,
        version -> Integer,
        revision -> BigInt,
        recorded_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::Geometry;
    /// Zones of plans.
    zones (jurisdiction, id) {
        jurisdiction -> Text,
        id -> Uuid,
        plan -> Uuid,
        zone -> Uuid,
        code -> Text,
        name -> Nullable<Text>,
        column_classes -> Array<Text>,
        height_max_m -> Nullable<Double>,
        spacing_m -> Nullable<Double>,
        sharing_required -> Bool,
        quota -> Nullable<Integer>,
        recorded_crs -> Integer,
        recorded_geom -> Geometry,
        geom -> Geometry,
        geom_grid -> Geometry,
        version -> Integer,
        revision -> BigInt,
        recorded_at -> Timestamptz,
    }
}
