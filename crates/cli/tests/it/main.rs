//! Drives the real binary over real sockets. Nothing sleeps: a test waits for a line, for a target's notification, or looks
//! again at an endpoint until a named deadline.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod apply;
mod bad_input;
mod canary;
mod cancelling;
mod catalog;
mod configuration;
mod console;
mod crash;
mod demo;
mod endurance;
mod events;
mod full_disk;
mod guide_flow;
mod history;
mod import;
mod integrations;
mod learning;
mod parse;
mod projection;
mod receiving;
mod replay;
mod reread;
mod server;
mod silences;
mod start;
mod stop;
mod support;
mod users;
mod whole_loop;
