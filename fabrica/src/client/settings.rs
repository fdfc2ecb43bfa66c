//! What can be set about a client.

use crate::event::DEFAULT_PREFIX;

/// What can be set about a client.
///
/// ```
/// use fabrica::client::ClientSettings;
///
/// let settings = ClientSettings { event_prefix: "org.acme".into(), ..ClientSettings::default() };
/// assert!(!settings.field_manager.is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSettings {
    /// Who writes, in the records of who manages which field. Default: the program's name.
    pub field_manager: String,
    /// The start of the types of the framework's own events. Default: [`DEFAULT_PREFIX`].
    pub event_prefix: String,
}

impl Default for ClientSettings {
    fn default() -> Self {
        let program = std::env::args_os().next().map(std::path::PathBuf::from);
        let name = program.as_ref().and_then(|path| path.file_stem()).map(|name| name.to_string_lossy().into_owned());
        Self { field_manager: name.unwrap_or_else(|| "fabrica".to_owned()), event_prefix: DEFAULT_PREFIX.to_owned() }
    }
}
