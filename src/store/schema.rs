//! The tables as diesel knows them; `tests/migrations.rs` compares them with the migrated database.

#![allow(missing_docs)] // what a column holds is said in the migrations
#![allow(clippy::wildcard_imports)] // as diesel's macro wants its types

mod plan;

pub use self::plan::{plans, zones};

/// SQL types that PostGIS brings.
pub mod sql_types {
    /// PostGIS `geometry`.
    #[derive(diesel::sql_types::SqlType, diesel::query_builder::QueryId)]
    #[diesel(postgres_type(name = "geometry"))]
    pub struct Geometry;
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::Geometry;
    /// Jurisdictions.
    jurisdictions (code) {
        code -> Text,
        name_vi -> Text,
        name_en -> Text,
        grid_srid -> Integer,
        time_zone -> Text,
        related_crs -> Array<Integer>,
        boundary -> Geometry,
    }
}

diesel::table! {
    /// One counter for each jurisdiction.
    revisions (jurisdiction) {
        jurisdiction -> Text,
        revision -> BigInt,
        recorded_at -> Nullable<Timestamptz>,
        audit_hash -> Nullable<Binary>,
        changes_after -> BigInt,
        previous_at -> Nullable<Timestamptz>,
    }
}

/// Declares the table of works under a name, with what stands before its columns.
macro_rules! works_table {
    ($name:ident ($($key:ident),+) { $($first:tt)* }) => {
        diesel::table! {
            use diesel::sql_types::*;
            use super::sql_types::Geometry;
            /// Telecom works.
            $name ($($key),+) {
                $($first)*
                jurisdiction -> Text,
                id -> Uuid,
                code -> Text,
                name -> Nullable<Text>,
                organisation -> Text,
                kind -> Text,
                status -> Text,
                column_class -> Nullable<Text>,
                height_agl_m -> Nullable<Double>,
                position_accuracy_m -> Nullable<Double>,
                capture_method -> Nullable<Text>,
                importance -> Text,
                visibility -> Text,
                tenants -> Array<Text>,
                spare_capacity -> Nullable<Integer>,
                valid_from -> Nullable<Date>,
                valid_to -> Nullable<Date>,
                source -> Nullable<Text>,
                recorded_crs -> Integer,
                recorded_geom -> Geometry,
                geom -> Geometry,
                geom_grid -> Geometry,
                version -> Integer,
                revision -> BigInt,
                recorded_at -> Timestamptz,
            }
        }
    };
}

/// Declares the table of corridors under a name, with what stands before its columns.
macro_rules! corridors_table {
    ($name:ident ($($key:ident),+) { $($first:tt)* }) => {
        diesel::table! {
            use diesel::sql_types::*;
            use super::sql_types::Geometry;
            /// Clearance corridors.
            $name ($($key),+) {
                $($first)*
                jurisdiction -> Text,
                id -> Uuid,
                code -> Text,
                name -> Nullable<Text>,
                kind -> Text,
                class -> Nullable<Text>,
                status -> Text,
                project -> Nullable<Text>,
                organisation -> Text,
                in_force_from -> Nullable<Date>,
                in_force_to -> Nullable<Date>,
                hand_over_on -> Nullable<Date>,
                clearance_m -> Nullable<Double>,
                half_width_left_m -> Nullable<Double>,
                half_width_right_m -> Nullable<Double>,
                visibility -> Text,
                source -> Nullable<Text>,
                recorded_crs -> Integer,
                recorded_geom -> Geometry,
                centreline -> Nullable<Geometry>,
                centreline_grid -> Nullable<Geometry>,
                geom -> Geometry,
                geom_grid -> Geometry,
                version -> Integer,
                revision -> BigInt,
                recorded_at -> Timestamptz,
                voltage_kv -> Nullable<Double>,
            }
        }
    };
}

/// Declares the table of reference features under a name, with what stands before its columns.
macro_rules! references_table {
    ($name:ident ($($key:ident),+) { $($first:tt)* }) => {
        diesel::table! {
            use diesel::sql_types::*;
            use super::sql_types::Geometry;
            /// Reference features.
            $name ($($key),+) {
                $($first)*
                jurisdiction -> Text,
                id -> Uuid,
                code -> Text,
                dataset -> Text,
                kind -> Text,
                name -> Nullable<Text>,
                organisation -> Text,
                visibility -> Text,
                valid_from -> Nullable<Date>,
                valid_to -> Nullable<Date>,
                source -> Nullable<Text>,
                source_date -> Nullable<Date>,
                licence -> Nullable<Text>,
                class -> Nullable<Text>,
                voltage_kv -> Nullable<Double>,
                half_width_m -> Nullable<Double>,
                height_agl_m -> Nullable<Double>,
                elevation_from_m -> Nullable<Double>,
                elevation_to_m -> Nullable<Double>,
                column_classes -> Array<Text>,
                height_max_m -> Nullable<Double>,
                quota -> Nullable<Integer>,
                spacing_m -> Nullable<Double>,
                sharing_required -> Bool,
                occupied -> Nullable<Bool>,
                eirp_w -> Nullable<Double>,
                frequency_mhz -> Nullable<Double>,
                azimuth_deg -> Nullable<Double>,
                recorded_crs -> Integer,
                recorded_geom -> Geometry,
                geom -> Geometry,
                geom_grid -> Geometry,
                version -> Integer,
                revision -> BigInt,
                recorded_at -> Timestamptz,
            }
        }
    };
}

works_table! { works (jurisdiction, id) {} }
works_table! { works_history (jurisdiction, id, version, ended_revision) { ended_revision -> BigInt, ended_at -> Timestamptz, } }
works_table! { import_works (number) { number -> BigInt, place -> Text, made -> Bool, kept -> Array<Text>, } }
corridors_table! { corridors (jurisdiction, id) {} }
corridors_table! {
    corridors_history (jurisdiction, id, version, ended_revision) { ended_revision -> BigInt, ended_at -> Timestamptz, }
}
corridors_table! { import_corridors (number) { number -> BigInt, place -> Text, made -> Bool, kept -> Array<Text>, } }
references_table! { reference_features (jurisdiction, id) {} }
references_table! {
    reference_features_history (jurisdiction, id, version, ended_revision) { ended_revision -> BigInt, ended_at -> Timestamptz, }
}
references_table! {
    import_reference_features (number) { number -> BigInt, place -> Text, made -> Bool, kept -> Array<Text>, }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::Geometry;
    /// Where a layer holds all there is.
    coverage_areas (jurisdiction, id) {
        jurisdiction -> Text,
        id -> Uuid,
        layer -> Text,
        source -> Text,
        as_of -> Nullable<Date>,
        geom -> Geometry,
        geom_grid -> Geometry,
        revision -> BigInt,
        recorded_at -> Timestamptz,
        kind -> Nullable<Text>,
    }
}

diesel::table! {
    /// The rule pack of a jurisdiction.
    rule_packs (jurisdiction) {
        jurisdiction -> Text,
        name -> Text,
        version -> Text,
        digest -> Text,
        revision -> BigInt,
        recorded_at -> Timestamptz,
    }
}

diesel::table! {
    /// The parameters of a rule pack.
    rule_parameters (jurisdiction, number) {
        jurisdiction -> Text,
        number -> Integer,
        key -> Text,
        value -> Double,
        unit -> Text,
        corridor_kind -> Nullable<Text>,
        corridor_class -> Nullable<Text>,
        voltage_from_kv -> Nullable<Double>,
        voltage_to_kv -> Nullable<Double>,
        work_kind -> Nullable<Text>,
        document -> Nullable<Text>,
        article -> Nullable<Text>,
        valid_from -> Nullable<Date>,
        valid_to -> Nullable<Date>,
        confidence -> Text,
        note -> Nullable<Text>,
    }
}

diesel::table! {
    /// The calendar of a jurisdiction.
    calendars (jurisdiction) {
        jurisdiction -> Text,
        name -> Text,
        version -> Text,
        digest -> Text,
        weekly_days_off -> Array<Text>,
        first_year -> SmallInt,
        last_year -> SmallInt,
        revision -> BigInt,
        recorded_at -> Timestamptz,
    }
}

diesel::table! {
    /// The days of which a calendar says something.
    calendar_days (jurisdiction, day) {
        jurisdiction -> Text,
        day -> Date,
        working -> Bool,
        name_vi -> Text,
        name_en -> Text,
        document -> Nullable<Text>,
        article -> Nullable<Text>,
        confidence -> Text,
        note -> Nullable<Text>,
    }
}

diesel::table! {
    /// What changed in which revision.
    changes (jurisdiction, revision, ordinal) {
        jurisdiction -> Text,
        revision -> BigInt,
        ordinal -> Integer,
        layer -> Text,
        kind -> Text,
        id -> Nullable<Uuid>,
    }
}

diesel::table! {
    /// Exactly one event for every revision.
    audit_events (jurisdiction, revision) {
        jurisdiction -> Text,
        revision -> BigInt,
        recorded_at -> Timestamptz,
        actor -> Text,
        organisation -> Nullable<Text>,
        request_id -> Text,
        deed -> Text,
        layer -> Nullable<Text>,
        subject -> Nullable<Uuid>,
        detail -> Jsonb,
        on_behalf_of -> Nullable<Text>,
        reason -> Nullable<Text>,
        before -> Nullable<Binary>,
        after -> Nullable<Binary>,
        previous -> Nullable<Binary>,
        hash -> Nullable<Binary>,
        signer -> Nullable<Text>,
        signature -> Nullable<Text>,
    }
}

diesel::table! {
    /// Who was shown which restricted features.
    restricted_reads (jurisdiction, id) {
        jurisdiction -> Text,
        id -> Uuid,
        read_at -> Timestamptz,
        actor -> Text,
        organisation -> Nullable<Text>,
        request_id -> Text,
        door -> Text,
        layer -> Text,
        ids -> Array<Uuid>,
    }
}

diesel::table! {
    /// Whoever owns works, plans land or decides about either.
    organisations (code) {
        code -> Text,
        name -> Text,
        kind -> Text,
    }
}

diesel::table! {
    /// Who may sign in.
    accounts (id) {
        id -> Uuid,
        name -> Text,
        organisation -> Text,
        roles -> Array<Text>,
        jurisdictions -> Nullable<Array<Text>>,
        password -> Text,
        disabled -> Bool,
        version -> Integer,
        recorded_at -> Timestamptz,
        email -> Nullable<Text>,
        language -> Text,
        mail -> Bool,
    }
}

diesel::table! {
    /// Addresses to which the events of an organisation are sent.
    webhooks (id) {
        id -> Uuid,
        organisation -> Text,
        url -> Text,
        jurisdictions -> Nullable<Array<Text>>,
        events -> Nullable<Array<Text>>,
        secret -> Binary,
        disabled -> Bool,
        version -> Integer,
        recorded_at -> Timestamptz,
    }
}

diesel::table! {
    /// Wrong passwords in a row.
    sign_in_failures (name_digest) {
        name_digest -> Binary,
        failures -> Integer,
        last_at -> Timestamptz,
    }
}

diesel::table! {
    /// From a sign-in to its end.
    sessions (id) {
        id -> Uuid,
        account -> Uuid,
        started_at -> Timestamptz,
        expires_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// Access and refresh tokens and cookies.
    session_credentials (digest) {
        digest -> Binary,
        session -> Uuid,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// The access of machines.
    api_tokens (id) {
        id -> Uuid,
        account -> Uuid,
        name -> Text,
        digest -> Binary,
        roles -> Array<Text>,
        jurisdictions -> Nullable<Array<Text>>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::joinable!(sessions -> accounts (account));
diesel::joinable!(session_credentials -> sessions (session));
diesel::joinable!(api_tokens -> accounts (account));
diesel::joinable!(webhooks -> organisations (organisation));
diesel::allow_tables_to_appear_in_same_query!(accounts, sessions, session_credentials, api_tokens);
diesel::allow_tables_to_appear_in_same_query!(organisations, webhooks);
diesel::allow_tables_to_appear_in_same_query!(revisions, audit_events);
