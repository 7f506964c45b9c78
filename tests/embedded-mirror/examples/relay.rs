//! Runs a relay on loopback for each given server, which delays its connections, until standard input ends.
//!
//! > relay MILLISECONDS ADDRESS…
//!
//! Prints the address of each server's relay, one per line. A round trip through a relay takes the given time: the
//! first is the TCP handshake, the second that of TLS 1.3, the third a request.
#![allow(clippy::print_stdout, reason = "the addresses are printed on standard output")]

use std::error::Error;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::time::Duration;

use embedded_mirror::Relay;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let round_trip = arguments.next().ok_or("usage: relay MILLISECONDS ADDRESS…")?;
    let one_way = Duration::from_millis(round_trip.parse()?) / 2;
    let upstreams: Vec<SocketAddr> = arguments.map(|it| it.parse()).collect::<Result<_, _>>()?;
    let relays: Vec<Relay> =
        upstreams.into_iter().map(|upstream| Relay::start(upstream, one_way)).collect::<Result<_, _>>()?;
    for relay in &relays {
        println!("{}", relay.addr());
    }
    io::stdin().lock().read_to_end(&mut Vec::new())?;
    Ok(())
}
