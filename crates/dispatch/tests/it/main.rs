//! Facts about delivering, over a real store, real sockets and a scripted target.

#[cfg(test)]
mod cancelling;
#[cfg(test)]
mod delivering;
#[cfg(test)]
mod fairness;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod house;
#[cfg(test)]
mod importing;
#[cfg(test)]
mod joining;
#[cfg(test)]
mod recovering;
#[cfg(test)]
mod replaying;
#[cfg(test)]
mod rereading;
