//! Hosts that are down, for a person who waits.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::http::Outage;

/// How long a host must be down before it is worth a line.
const WORTH_TELLING: Duration = Duration::from_secs(1);

/// How often the line is repeated.
const INTERVAL: Duration = Duration::from_secs(30);

/// What was told of outages, and when.
#[derive(Debug, Default)]
pub struct OutageNotes(HashMap<String, Instant>);

impl OutageNotes {
    /// The lines that are due: `HOST: the server answered 503 Service Unavailable, asking again for 1m45s more`.
    pub fn due(&mut self, now: Instant, outages: &[Outage]) -> Vec<String> {
        self.0.retain(|host, _| outages.iter().any(|outage| outage.host == *host));
        let mut lines = Vec::new();
        for Outage { host, why, lasted, left } in outages {
            let told = self.0.get(host).is_some_and(|told| now.saturating_duration_since(*told) < INTERVAL);
            if *lasted >= WORTH_TELLING && !told {
                self.0.insert(host.clone(), now);
                let left = humantime::format_duration(Duration::from_secs(left.as_secs()));
                lines.push(format!("{host}: {why}, asking again for {left} more"));
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_of_once_it_lasts_and_now_and_then() {
        let outage = |lasted| Outage {
            host: "mirror.example".to_owned(),
            why: "the server answered 503 Service Unavailable".to_owned(),
            lasted: Duration::from_millis(lasted),
            left: Duration::from_millis(120_000 - lasted),
        };
        let (mut notes, began) = (OutageNotes::default(), Instant::now());
        let mut told = |at: u64| notes.due(began + Duration::from_millis(at), &[outage(at)]);
        assert!(told(200).is_empty());
        let line =
            "mirror.example: the server answered 503 Service Unavailable, asking again for 1m 58s more";
        assert_eq!(told(1_200), [line]);
        assert!(told(20_000).is_empty());
        assert_eq!(told(40_000).len(), 1);
        // Back, and down again.
        let at = |seconds| began + Duration::from_secs(seconds);
        assert!(notes.due(at(41), &[]).is_empty());
        assert_eq!(notes.due(at(43), &[outage(1_000)]).len(), 1);
    }
}
