//! What a linker must be told outside Linux.

fn main() {
    napi_build::setup();
}
