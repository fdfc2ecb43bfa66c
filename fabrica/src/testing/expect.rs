//! What a test says should have happened since it last looked.

use std::sync::Arc;

use super::harness::Harness;
use super::record::{Run, Write};
use crate::event::{Event, Pattern};

impl Harness {
    /// The writes since the last look at them, in the order of the store.
    ///
    /// ```
    /// use fabrica::prelude::*;
    /// use fabrica::resource::Namespace;
    /// use fabrica::testing::Harness;
    ///
    /// Harness::run(Controller::empty(), async |h| {
    ///     h.apply(Namespace::new("lab")).await?;
    ///     assert_eq!(h.writes(), ["created Namespace lab"]);
    ///     assert!(h.writes().is_empty(), "they were looked at");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), fabrica::Error>(())
    /// ```
    #[must_use]
    pub fn writes(&self) -> Vec<Write> {
        self.log().take_writes()
    }

    /// The events whose type matches a pattern, since the last look at them, in the order of their publishing. Those that
    /// don't match stay for another look.
    ///
    /// # Panics
    /// The pattern is none.
    ///
    /// ```
    /// use fabrica::prelude::*;
    /// use fabrica::resource::Namespace;
    /// use fabrica::testing::Harness;
    ///
    /// Harness::run(Controller::empty(), async |h| {
    ///     h.apply(Namespace::new("lab")).await?;
    ///     let created = h.events("**.created");
    ///     assert_eq!(created[0].event_type(), "io.fabrica.namespace.created");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), fabrica::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn events(&self, pattern: &str) -> Vec<Arc<Event>> {
        let pattern = Pattern::parse(pattern).unwrap_or_else(|error| panic!("{error}"));
        self.log().take_events(&pattern)
    }

    /// The runs since the last look at them, in the order in which they began. Those of the built-in kinds are left out.
    ///
    /// ```
    /// use fabrica::prelude::*;
    /// use fabrica::testing::Harness;
    ///
    /// Harness::run(Controller::empty(), async |h| {
    ///     h.settle().await?;
    ///     assert!(h.runs().is_empty(), "nothing is reconciled here but namespaces");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), fabrica::Error>(())
    /// ```
    #[must_use]
    pub fn runs(&self) -> Vec<Run> {
        self.log().take_runs()
    }

    /// Forgets what happened so far: assertions look at what comes.
    ///
    /// ```
    /// use fabrica::prelude::*;
    /// use fabrica::resource::Namespace;
    /// use fabrica::testing::Harness;
    ///
    /// Harness::run(Controller::empty(), async |h| {
    ///     h.apply(Namespace::new("lab")).await?;
    ///     h.look_away();
    ///     h.assert_idle();
    ///     Ok(())
    /// })?;
    /// # Ok::<(), fabrica::Error>(())
    /// ```
    pub fn look_away(&self) {
        let _ = (self.writes(), self.runs(), self.log().take_events(&Pattern::all()));
    }

    /// Exactly these writes were made since the last look, in this order: `created Device dev-123`, and so with
    /// `updated`, `status`, `deleting` and `deleted`.
    ///
    /// # Panics
    /// They were not, with the story of what happened.
    ///
    /// ```
    /// use fabrica::prelude::*;
    /// use fabrica::resource::Namespace;
    /// use fabrica::testing::Harness;
    ///
    /// Harness::run(Controller::empty(), async |h| {
    ///     h.apply(Namespace::new("lab")).await?;
    ///     h.assert_writes(["created Namespace lab"]);
    ///     Ok(())
    /// })?;
    /// # Ok::<(), fabrica::Error>(())
    /// ```
    #[track_caller]
    pub fn assert_writes<'a>(&self, expected: impl IntoIterator<Item = &'a str>) {
        let found: Vec<String> = self.writes().iter().map(ToString::to_string).collect();
        self.assert_same("writes", &found, expected);
    }

    /// Exactly events of these types were published since the last look, in this order, of all that match a pattern.
    ///
    /// # Panics
    /// They were not, with the story of what happened; or the pattern is none.
    ///
    /// ```
    /// use fabrica::prelude::*;
    /// use fabrica::resource::Namespace;
    /// use fabrica::testing::Harness;
    ///
    /// Harness::run(Controller::empty(), async |h| {
    ///     h.apply(Namespace::new("lab")).await?;
    ///     h.assert_events("io.fabrica.**", ["io.fabrica.namespace.created"]);
    ///     Ok(())
    /// })?;
    /// # Ok::<(), fabrica::Error>(())
    /// ```
    #[track_caller]
    pub fn assert_events<'a>(&self, pattern: &str, expected: impl IntoIterator<Item = &'a str>) {
        self.assert_same("events", &types(&self.events(pattern)), expected);
    }

    /// Nothing was written since the last look at the writes, and no event published since the last look at the events but
    /// the framework's own, which tell of writes: what a reconciler does when all is as it should be.
    ///
    /// # Panics
    /// Something was, with the story of what happened.
    ///
    /// ```
    /// use fabrica::prelude::*;
    /// use fabrica::testing::Harness;
    ///
    /// Harness::run(Controller::empty(), async |h| {
    ///     h.settle().await?;
    ///     h.assert_idle();
    ///     Ok(())
    /// })?;
    /// # Ok::<(), fabrica::Error>(())
    /// ```
    #[track_caller]
    pub fn assert_idle(&self) {
        self.assert_writes([]);
        self.assert_same("events", &types(&self.log().take_users_events()), []);
    }

    #[track_caller]
    fn assert_same<'a>(&self, what: &str, found: &[String], expected: impl IntoIterator<Item = &'a str>) {
        let expected: Vec<&str> = expected.into_iter().collect();
        assert!(
            found == expected,
            "the {what} are not as expected\nexpected:\n  {}\nfound:\n  {}\n{}",
            lines(&expected),
            lines(found),
            self.story()
        );
    }
}

fn lines<S: std::borrow::Borrow<str>>(list: &[S]) -> String {
    if list.is_empty() { "(none)".to_owned() } else { list.join("\n  ") }
}

fn types(events: &[Arc<Event>]) -> Vec<String> {
    events.iter().map(|event| event.event_type().to_owned()).collect()
}
