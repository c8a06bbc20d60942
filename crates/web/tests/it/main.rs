//! The API over a real SQLite store in a temporary folder, called through the router; the shell through real sockets.

// The name that all other crates know it by.
extern crate alertwire_web as web;

#[cfg(test)]
mod browser;
#[cfg(test)]
mod support;

#[cfg(test)]
mod access;
#[cfg(test)]
mod apply;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod catalog;
#[cfg(test)]
mod company;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod console;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod event;
mod event_kind;
#[cfg(test)]
mod export;
#[cfg(test)]
mod health;
#[cfg(test)]
mod import;
#[cfg(test)]
mod intake;
#[cfg(test)]
mod integration;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod lesson;
mod mapping;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod problem;
#[cfg(test)]
mod projection;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod reread;
#[cfg(test)]
mod rule;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod session;
#[cfg(test)]
mod silence;
#[cfg(test)]
mod source;
#[cfg(test)]
mod tenant;
#[cfg(test)]
mod user;
#[cfg(test)]
mod what_if;
#[cfg(test)]
mod whitelisting;
