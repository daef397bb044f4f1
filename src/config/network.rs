//! Settings that name networks.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Settings;

impl Settings {
    /// The networks of `trusted_proxies`; an address is a network of one.
    ///
    /// # Errors
    /// The sentence for one that is neither.
    pub fn networks(&self) -> Result<Vec<IpNet>, String> {
        self.trusted_proxies.iter().map(network).collect()
    }

    /// The networks of `webhook_networks`.
    ///
    /// # Errors
    /// As [`Settings::networks`].
    pub fn webhook_networks(&self) -> Result<Vec<IpNet>, String> {
        self.webhook_networks.iter().map(network).collect()
    }
}

/// An address is a network of one.
fn network(text: &String) -> Result<IpNet, String> {
    let one = |_| text.parse::<IpAddr>().map(IpNet::from);
    let read = text.parse::<IpNet>().or_else(one);
    read.map_err(|_| format!("«{text}» is neither an address nor a network such as 10.0.0.0/8"))
}
