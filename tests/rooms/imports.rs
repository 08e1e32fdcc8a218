//! The imports of files, read from their text.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Re-exports that a path is followed through at most.
const MOST_RE_EXPORTS: u32 = 8;

/// A piece of code: a name, `::`, or another sign.
type Token = String;

/// One file of `src`.
struct File {
    /// Relative to `src`.
    path: String,
    /// Where it is in the tree of modules.
    module: Vec<String>,
    /// Names of the items that it defines.
    items: BTreeSet<String>,
    uses: Vec<Use>,
    /// Paths outside `use`, of two names at least.
    paths: Vec<Vec<String>>,
}

impl File {
    /// Tells whether it defines an item of a name, or takes one up from elsewhere.
    fn has(&self, name: &str) -> bool {
        let is_other = |used: &Use| used.name == name && used.path != [name];
        self.items.contains(name) || self.uses.iter().any(is_other)
    }
}

/// One name that a `use` brings.
struct Use {
    path: Vec<String>,
    /// What it is called here; `*` for all of them.
    name: String,
}

/// Lists the files of `src` whose code or texts have a word, as paths below it; neither comments nor unit tests count.
pub(crate) fn files_that_name(word: &str) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    files_below(&root, &mut files);
    let names_it = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let code = text
            .split("#[cfg(test)]\nmod tests")
            .next()
            .unwrap_or_default();
        let is_word = |line: &str| {
            line.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'))
                .any(|found| found == word)
        };
        // Settings of specimens name models, too; a new model adds none.
        let mut lines = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .filter(|line| !line.contains(".name=") && !line.contains(".model="));
        !path.ends_with("tests.rs") && lines.any(is_word)
    };
    let relative = |path: PathBuf| {
        let path = path.strip_prefix(&root).unwrap();
        path.to_str().unwrap().replace('\\', "/")
    };
    files.into_iter().filter(names_it).map(relative).collect()
}

/// Lists the files below a folder.
fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Takes comments and the contents of texts out of code, and cuts the rest into tokens.
fn tokens(code: &str) -> Vec<Token> {
    let text: Vec<char> = code.chars().collect();
    let at = |index: usize| text.get(index).copied().unwrap_or('\0');
    let mut tokens = Vec::new();
    let mut here = 0;
    while here < text.len() {
        let (this, next) = (at(here), at(here + 1));
        if this == '/' && next == '/' {
            while here < text.len() && at(here) != '\n' {
                here += 1;
            }
        } else if this == '/' && next == '*' {
            while here < text.len() && (at(here), at(here + 1)) != ('*', '/') {
                here += 1;
            }
            here += 2;
        } else if this == 'r' && (next == '"' || (next == '#' && matches!(at(here + 2), '"' | '#')))
        {
            let hashes = (here + 1..).take_while(|&index| at(index) == '#').count();
            let is_end = |index: usize| {
                at(index) == '"' && (1..=hashes).all(|offset| at(index + offset) == '#')
            };
            here += hashes + 2;
            while here < text.len() && !is_end(here) {
                here += 1;
            }
            here += hashes + 1;
            tokens.push("\"\"".to_owned());
        } else if this == '"' {
            here += 1;
            while here < text.len() && at(here) != '"' {
                here += if at(here) == '\\' { 2 } else { 1 };
            }
            here += 1;
            tokens.push("\"\"".to_owned());
        } else if this == '\'' && (next == '\\' || at(here + 2) == '\'') {
            here += 2 + usize::from(next == '\\');
            while here < text.len() && at(here) != '\'' {
                here += 1;
            }
            here += 1;
        } else if this.is_alphanumeric() || this == '_' {
            let begin = here;
            while at(here).is_alphanumeric() || at(here) == '_' {
                here += 1;
            }
            tokens.push(text[begin..here].iter().collect());
        } else if this == ':' && next == ':' {
            tokens.push("::".to_owned());
            here += 2;
        } else {
            if !this.is_whitespace() {
                tokens.push(this.to_string());
            }
            here += 1;
        }
    }
    tokens
}

/// Returns the index behind the bracket that closes the one at an index.
fn behind_bracket(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_u32;
    for (offset, token) in tokens[open..].iter().enumerate() {
        match token.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return open + offset + 1;
        }
    }
    tokens.len()
}

/// Returns the index behind the item at an index: behind its `;`, or the braces of its body.
fn behind_item(tokens: &[Token], begin: usize) -> usize {
    let mut here = begin;
    while here < tokens.len() {
        match tokens[here].as_str() {
            ";" => return here + 1,
            "{" if tokens[begin] != "use" => return behind_bracket(tokens, here),
            "(" | "[" | "{" => here = behind_bracket(tokens, here),
            _ => here += 1,
        }
    }
    here
}

/// Takes out what is under `#[cfg(test)]`; returns the modules that are declared so.
fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<String>) {
    let mark = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut kept, mut modules) = (Vec::new(), Vec::new());
    let mut here = 0;
    while here < tokens.len() {
        if tokens[here..].iter().take(mark.len()).eq(&mark) {
            let mut item = here + mark.len();
            // Other attributes of it.
            while tokens[item] == "#" {
                item = behind_bracket(tokens, item + 1);
            }
            here = behind_item(tokens, item);
            let is_module = tokens[item..here].iter().position(|token| token == "mod");
            modules.extend(is_module.map(|place| tokens[item + place + 1].clone()));
        } else {
            kept.push(tokens[here].clone());
            here += 1;
        }
    }
    (kept, modules)
}

fn is_name(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Reads the tree of a `use`, from behind the word to before the semicolon.
fn read_tree(tokens: &[Token], prefix: &[String], uses: &mut Vec<Use>) {
    let mut path = prefix.to_vec();
    let mut here = 0;
    let mut name = None;
    while here < tokens.len() {
        match tokens[here].as_str() {
            "{" => {
                let end = behind_bracket(tokens, here) - 1;
                let (mut begin, mut depth) = (here + 1, 0_u32);
                for index in here + 1..=end {
                    match tokens[index].as_str() {
                        "{" => depth += 1,
                        "}" if index < end => depth -= 1,
                        _ => {}
                    }
                    let is_cut = index == end || (depth == 0 && tokens[index] == ",");
                    if is_cut && begin < index {
                        read_tree(&tokens[begin..index], &path, uses);
                    }
                    if is_cut {
                        begin = index + 1;
                    }
                }
                return;
            }
            "as" => {
                name = Some(tokens[here + 1].clone());
                here += 2;
            }
            "self" if !path.is_empty() => here += 1,
            "::" => here += 1,
            part => {
                path.push(part.to_owned());
                here += 1;
            }
        }
    }
    let last = path.last().cloned().unwrap_or_default();
    let name = name.unwrap_or_else(|| last.clone());
    if last == "*" {
        path.pop();
    }
    uses.push(Use { path, name });
}

fn read_file(path: String, code: &str) -> (File, Vec<String>) {
    let (tokens, test_modules) = without_tests(&tokens(code));
    let mut module: Vec<String> = path
        .trim_end_matches(".rs")
        .split('/')
        .map(str::to_owned)
        .collect();
    if matches!(module.last().unwrap().as_str(), "mod" | "lib") {
        module.pop();
    }
    let mut file = File {
        path,
        module,
        items: BTreeSet::new(),
        uses: Vec::new(),
        paths: Vec::new(),
    };
    let mut here = 0;
    while here < tokens.len() {
        let token = tokens[here].as_str();
        let following = tokens.get(here + 1);
        match token {
            "use" => {
                let end = behind_item(&tokens, here) - 1;
                read_tree(&tokens[here + 1..end], &[], &mut file.uses);
                here = end;
            }
            "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" | "union" => {
                file.items
                    .extend(following.filter(|name| is_name(name)).cloned());
            }
            "macro_rules" => {
                file.items.extend(tokens.get(here + 2).cloned());
            }
            name if is_name(name) && following.is_some_and(|next| next == "::") => {
                let mut whole = vec![name.to_owned()];
                while tokens.get(here + 1).is_some_and(|next| next == "::")
                    && tokens.get(here + 2).is_some_and(|next| is_name(next))
                {
                    whole.push(tokens[here + 2].clone());
                    here += 2;
                }
                file.paths.push(whole);
            }
            _ => {}
        }
        here += 1;
    }
    (file, test_modules)
}

/// All files of a crate, by their place in the tree of modules.
pub(crate) struct Crate(BTreeMap<Vec<String>, File>);

impl Crate {
    /// Reads all files of `src`, but for the program, which is another crate.
    pub(crate) fn read() -> Self {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut paths = Vec::new();
        files_below(&src, &mut paths);
        let files = paths.iter().map(|path| {
            let relative = path.strip_prefix(&src).unwrap().to_str().unwrap();
            let code = std::fs::read_to_string(path).unwrap();
            (relative.replace('\\', "/"), code)
        });
        Self::of(files.filter(|(path, _)| path != "main.rs"))
    }

    /// Takes files by their paths and codes.
    pub(crate) fn of(files: impl Iterator<Item = (String, String)>) -> Self {
        let mut found = BTreeMap::new();
        let mut of_tests = Vec::new();
        for (path, code) in files {
            let (file, test_modules) = read_file(path, &code);
            of_tests.extend(test_modules.into_iter().map(|name| {
                let mut module = file.module.clone();
                module.push(name);
                module
            }));
            found.insert(file.module.clone(), file);
        }
        found.retain(|module, _| !of_tests.iter().any(|tests| module.starts_with(tests)));
        Self(found)
    }

    /// Finds the files that define what a path leads to, seen from a module: several where features choose between them, none for other
    /// crates, for modules as a whole, and for what is local.
    fn resolve(&self, from: &[String], path: &[String], re_exports: u32) -> Vec<&File> {
        let mut module = from.to_vec();
        let mut rest = path;
        while let [first, others @ ..] = rest {
            match first.as_str() {
                "crate" => module.clear(),
                "super" => drop(module.pop()),
                "self" => {}
                name => {
                    let Some(file) = self.0.get(&module) else {
                        return Vec::new();
                    };
                    let mut child = module.clone();
                    child.push(name.to_owned());
                    // A name may be a module's and an item's; the last of a path is the item's then.
                    let is_item = others.is_empty() && file.has(name);
                    if self.0.contains_key(&child) && !is_item {
                        module = child;
                    } else if file.items.contains(name) {
                        return vec![file];
                    } else if re_exports > 0 {
                        return self.through_use(file, name, others, re_exports - 1);
                    } else {
                        return Vec::new();
                    }
                }
            }
            rest = others;
        }
        Vec::new()
    }

    /// Follows a name that a `use` of a file may bring.
    fn through_use(
        &self,
        file: &File,
        name: &str,
        others: &[String],
        re_exports: u32,
    ) -> Vec<&File> {
        let follow = |path: &[String]| {
            let path = [path, others].concat();
            self.resolve(&file.module, &path, re_exports)
        };
        let named = file.uses.iter().filter(|used| used.name == name);
        let found: Vec<&File> = named
            .filter(|used| used.path != [name])
            .flat_map(|used| follow(&used.path))
            .collect();
        if !found.is_empty() {
            return found;
        }
        let globs = file.uses.iter().filter(|used| used.name == "*");
        globs
            .flat_map(|used| follow(&[&used.path[..], &[name.to_owned()]].concat()))
            .collect()
    }

    /// Lists the imports of a file: the files that it imports, without itself and those below it.
    fn imports(&self, file: &File) -> BTreeSet<&str> {
        let by_use = file.uses.iter().map(|used| &used.path);
        by_use
            .chain(&file.paths)
            .flat_map(|path| self.resolve(&file.module, path, MOST_RE_EXPORTS))
            .filter(|found| !found.module.starts_with(&file.module))
            .map(|found| found.path.as_str())
            .collect()
    }

    /// Lists all imports, by file.
    pub(crate) fn all_imports(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let files = self.0.values();
        files
            .map(|file| (file.path.as_str(), self.imports(file)))
            .collect()
    }
}
