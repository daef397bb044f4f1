//! Links the system's PROJ when the `system-proj` feature asks for it (see the README, *Decisions*).
fn main() {
    println!("cargo:rerun-if-changed=migrations");
    if std::env::var_os("CARGO_FEATURE_SYSTEM_PROJ").is_some() {
        println!("cargo:rustc-link-lib=dylib=proj");
    }
}
