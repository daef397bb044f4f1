//! What the database itself takes: the columns that an index needs, copied in binary and thrown away.

use std::io::BufRead;

use clearway::store::schema::{corridors, works};
use diesel::pg::{CopyFormat, PgConnection};
use diesel::prelude::*;

use crate::Failed;

/// Copies both tables, each on a connection of its own: after reading a raw copy to its end the connection is not ready for more.
pub fn copy(url: &str) -> Result<(), Failed> {
    use works::{
        capture_method, code, column_class, geom_grid, height_agl_m, id, kind, organisation, position_accuracy_m,
        spare_capacity, status, valid_from, valid_to, visibility,
    };
    let columns = (
        id,
        code,
        organisation,
        visibility,
        kind,
        status,
        valid_from,
        valid_to,
        position_accuracy_m,
        capture_method,
        column_class,
        height_agl_m,
        spare_capacity,
        geom_grid,
    );
    drain(diesel::copy_to(columns).with_format(CopyFormat::Binary).load_raw(&mut PgConnection::establish(url)?)?)?;
    let columns = (
        corridors::id,
        corridors::code,
        corridors::organisation,
        corridors::visibility,
        corridors::kind,
        corridors::status,
        corridors::in_force_from,
        corridors::in_force_to,
        corridors::clearance_m,
        corridors::geom_grid,
        corridors::centreline_grid,
    );
    drain(diesel::copy_to(columns).with_format(CopyFormat::Binary).load_raw(&mut PgConnection::establish(url)?)?)
}

fn drain(mut rows: impl BufRead) -> Result<(), Failed> {
    let mut buffer = vec![0; 64 * 1024];
    while rows.read(&mut buffer)? > 0 {}
    Ok(())
}
