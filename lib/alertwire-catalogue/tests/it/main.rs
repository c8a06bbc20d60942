//! What the catalogue promises, from outside.

mod builtin;
mod cases;
mod checking;
mod decode;
mod drift;
mod learning;
mod linear;
mod robust;
mod round_trip;
mod tail_forms;
