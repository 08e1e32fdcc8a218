//! Chooses what is observed.

use super::VecEnv;
use crate::backend::Columns;
use crate::environment::Observable;
use crate::vec_env::error::VecEnvError;
use crate::vec_env::spaces::hidden;

impl VecEnv {
    /// Chooses what is observed from now on, in place of everything that is observable: what is not observed is neither computed
    /// nor copied.
    ///
    /// A name is that of a part, `user`, `doc` or `response`, or of one of its observables (`doc.quality`), or of a field of the
    /// state of users, which agents are not meant to see (`hidden.satisfaction`; `hidden` for all). Within a part the order stays
    /// that of the environment; hidden fields come after what is observed of users. [`spaces`](Self::spaces) describes the
    /// result.
    ///
    /// ```
    /// use slatesim::backend::{Simulation, cpu::cpu};
    /// use slatesim::vec_env::VecEnv;
    ///
    /// let simulation = Simulation::of("long_term_satisfaction").build()?;
    /// let mut env = VecEnv::new(&simulation, &cpu(Some(1))?, 100)?;
    /// env.select(&["response", "hidden.satisfaction"])?;
    /// let observation = env.reset()?;
    /// assert_eq!(observation.users.dim(), (100, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`VecEnvError::Column`] if there is no such name, or one is given twice; nothing has changed then.
    pub fn select(&mut self, names: &[&str]) -> Result<(), VecEnvError> {
        let fields: Vec<Observable> = self.model.user_layout().iter().map(hidden).collect();
        let outline = &self.plan.outline;
        let parts = [
            ("user", outline.user.as_slice()),
            ("hidden", &fields),
            ("doc", &outline.document),
            ("response", &outline.response),
        ];
        let mut chosen = [(); 4].map(|()| Vec::new());
        for (at, name) in names.iter().enumerate() {
            let (part, column) = match name.split_once('.') {
                Some((part, column)) => (part, Some(column)),
                None => (*name, None),
            };
            let mut is_found = false;
            for ((given, observables), chosen) in parts.iter().zip(&mut chosen) {
                let mut first = 0;
                for observable in *observables {
                    let numbers = first..first + observable.length;
                    first = numbers.end;
                    if *given == part && column.is_none_or(|column| column == observable.name) {
                        is_found = true;
                        chosen.extend(numbers);
                    }
                }
                // A part of which nothing is observable may be named.
                is_found |= *given == part && column.is_none();
            }
            if !is_found || names[..at].contains(name) {
                return Err(VecEnvError::Column {
                    given: (*name).to_owned(),
                    allowed: allowed(&parts),
                });
            }
        }
        let [users, hidden, documents, responses] = chosen.map(|mut numbers: Vec<usize>| {
            numbers.sort_unstable();
            numbers.dedup();
            numbers
        });
        self.columns = Columns {
            users,
            hidden,
            documents,
            responses,
        };
        self.corpus = None;
        Ok(())
    }
}

/// Lists the names of parts and of what is in them.
fn allowed(parts: &[(&str, &[Observable])]) -> String {
    let mut names = Vec::new();
    for (part, observables) in parts {
        names.push((*part).to_owned());
        names.extend((observables.iter()).map(|observable| format!("{part}.{}", observable.name)));
    }
    names.join(", ")
}
