//! Verdicts as text, JSON, `JUnit`, HTML and Markdown. Nothing here touches the network.

pub mod model;
