//! Gathering the sources and loading them.

use crate::{
    edge,
    error::{ConfigError, Fault},
    format::{self, Format, Text},
    key::{self, is_variable},
    layer::{self, Entry, Layer, Origin},
    resolve,
    settings::Settings,
};
use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

/// Names the sources of settings, then loads them all.
///
/// Nothing is read before [`load`](Self::load). The order of the calls does not matter, but among
/// files, and among overrides, a later one outranks an earlier one.
///
/// # Examples
///
/// ```
/// use towline_config::Loader;
///
/// let settings = Loader::new()
///     .env([("OPENAI_API_KEY", "sk-test"), ("LLM_MODEL", "openai/gpt-4o")])
///     .set("towline.timeouts.request=45 s")
///     .load()?;
/// let provider = settings.llm()?.expect("a model is set");
/// assert_eq!(provider.vendor(), "openai");
/// assert_eq!(provider.model(), "gpt-4o");
/// assert_eq!(provider.timeouts().request().as_secs(), 45);
/// # Ok::<(), towline_config::ConfigError>(())
/// ```
#[derive(Clone, Default)]
pub struct Loader {
    process_env: bool,
    env: BTreeMap<String, String>,
    folder: Option<PathBuf>,
    /// With the option that names it, where one does.
    files: Vec<(PathBuf, Option<&'static str>)>,
    dotenvs: Vec<PathBuf>,
    texts: Vec<(Format, String, String)>,
    overrides: Vec<String>,
}

/// A settings file in memory.
struct Document {
    format: Format,
    name: String,
    contents: String,
    folder: Option<PathBuf>,
}

/// The variables that there are.
#[derive(Default)]
struct Variables {
    env: BTreeMap<String, String>,
    dotenv: BTreeMap<String, String>,
    /// The settings file that `TOWLINE_CONFIG` names, and where that stands.
    config: Option<(PathBuf, &'static str)>,
}

/// What has been gathered while loading.
#[derive(Default)]
struct Gathering {
    entries: Vec<Entry>,
    faults: Vec<Fault>,
    warnings: Vec<String>,
}

/// Settings files that are looked for. Only one of them may be there.
const NAMES: [&str; 5] = [
    "towline.toml",
    "towline.yaml",
    "towline.yml",
    "towline.json",
    "towline.conf",
];

/// The variable that names a settings file.
const CONFIG: &str = "TOWLINE_CONFIG";

/// LLM4S's file: shared with other programs, and below ours.
const SHARED: &str = "application.conf";

// === impl Loader ===

impl Loader {
    /// Nothing but the built-in defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the process environment. [`load`](Self::load) reads it, once.
    #[must_use]
    pub const fn process_env(mut self) -> Self {
        self.process_env = true;
        self
    }

    /// Adds variables as if they stood in the environment. They outrank the process environment.
    #[must_use]
    pub fn env<K, V>(mut self, variables: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<String>,
        V: Into<String>,
    {
        let pairs = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        self.env.extend(pairs);
        self
    }

    /// Looks in the working directory for `towline.toml`, `.yaml`, `.yml`, `.json` or `.conf` (one
    /// of them), for `application.conf` (which ranks below it) and for `.env`.
    #[must_use]
    pub fn discover(self) -> Self {
        self.discover_in(".")
    }

    /// As [`discover`](Self::discover), in another folder.
    #[must_use]
    pub fn discover_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Adds a settings file, its format by its ending. A missing one is a fault. With a file named
    /// here or in the variable `TOWLINE_CONFIG`, no settings file is looked for; with one named
    /// here, that variable is not read. In a `.env` file the variable counts from its folder.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.files.push((path.into(), None));
        self
    }

    /// As [`file`](Self::file), for a file that an option of the command line names: messages say
    /// which.
    #[must_use]
    pub fn file_of_option(mut self, option: &'static str, path: impl Into<PathBuf>) -> Self {
        self.files.push((path.into(), Some(option)));
        self
    }

    /// Adds a `.env` file. A missing one is a fault. No other is looked for then.
    #[must_use]
    pub fn dotenv(mut self, path: impl Into<PathBuf>) -> Self {
        self.dotenvs.push(path.into());
        self
    }

    /// Adds a file that is in memory. `name` is what messages call it.
    #[must_use]
    pub fn text(
        mut self,
        format: Format,
        name: impl Into<String>,
        contents: impl Into<String>,
    ) -> Self {
        self.texts.push((format, name.into(), contents.into()));
        self
    }

    /// Adds an override of the form `towline.llm.model=openai/gpt-4o`. It outranks everything else.
    #[must_use]
    pub fn set(mut self, key_and_value: impl Into<String>) -> Self {
        self.overrides.push(key_and_value.into());
        self
    }

    /// Reads and merges everything. It reads files and blocks meanwhile: call it at the start of a
    /// program.
    ///
    /// # Errors
    ///
    /// All faults at once: files that are missing or malformed, unknown keys wherever they stand,
    /// values of the wrong type, keys given twice with different values; and then also what the
    /// selected provider lacks. Without faults of the first sort, what the provider lacks is told by
    /// [`Settings::llm`], since the caller may choose another one. Malformed values in the section
    /// of a provider that is not selected are warnings.
    pub fn load(self) -> Result<Settings, ConfigError> {
        let mut gathering = Gathering::default();
        let Variables {
            env,
            dotenv,
            config,
        } = self.variables(&mut gathering);
        // What `${NAME}` sees: both, the environment first.
        let mut variables = dotenv.clone();
        variables.extend(env.clone());
        let documents = self.documents(config, &mut gathering);
        for (order, document) in documents.into_iter().enumerate() {
            gathering.document(order, &document, &variables);
        }
        gathering.environment(Layer::DotEnv, ".env", &dotenv);
        gathering.environment(Layer::Environment, "environment", &env);
        for (order, text) in self.overrides.iter().enumerate() {
            gathering.add(layer::from_override(order, text));
        }
        let merged = layer::merge(gathering.entries);
        resolve::settle(merged, &variables, gathering.faults, gathering.warnings)
    }

    /// The environment and the variables of `.env` files.
    fn variables(&self, gathering: &mut Gathering) -> Variables {
        let (mut env, unreadable) = if self.process_env {
            edge::environment()
        } else {
            Default::default()
        };
        env.extend(self.env.clone());
        for name in unreadable.iter().filter(|name| is_variable(name)) {
            gathering.faults.push(unreadable_variable(name));
        }
        let mut dotenv = BTreeMap::new();
        let mut config = None;
        for document in self.dotenv_documents(gathering) {
            let reading = format::parse_dotenv(&document.name, &document.contents, &env);
            let folder = document.folder.unwrap_or_default();
            if let Some(path) = filled(&reading.known, CONFIG) {
                config = Some((folder.join(path), ".env TOWLINE_CONFIG"));
            }
            dotenv.extend(reading.known);
            gathering.faults.extend(reading.faults);
            gathering.warnings.extend(reading.warnings);
        }
        if let Some(path) = filled(&env, CONFIG) {
            config = Some((PathBuf::from(path), "environment TOWLINE_CONFIG"));
        }
        Variables {
            env,
            dotenv,
            config,
        }
    }

    fn dotenv_documents(&self, gathering: &mut Gathering) -> Vec<Document> {
        let paths = match &self.folder {
            // A build that cannot read `.env` does not stumble over one that happens to lie there.
            Some(folder) if self.dotenvs.is_empty() && cfg!(feature = "dotenv") => {
                edge::existing(folder, &[".env"])
            }
            _ => self.dotenvs.clone(),
        };
        let read = paths
            .iter()
            .filter_map(|path| gathering.read(path, Some(Format::DotEnv), None));
        let mut documents: Vec<Document> = read.collect();
        documents.extend(self.texts(|format| format == Format::DotEnv));
        documents
    }

    /// The settings files, lowest first.
    fn documents(
        &self,
        config: Option<(PathBuf, &'static str)>,
        gathering: &mut Gathering,
    ) -> Vec<Document> {
        let config = config.filter(|_| self.files.is_empty());
        let files = match (config, &self.folder) {
            (Some((path, place)), _) => vec![(path, Some(place))],
            (None, Some(folder)) if self.files.is_empty() => {
                let found = discovered(folder, gathering).into_iter();
                found.map(|path| (path, None)).collect()
            }
            (None, _) => self.files.clone(),
        };
        let mut documents: Vec<Document> = Vec::new();
        for (path, named_by) in files {
            documents.extend(gathering.read(&path, Format::of(&path), named_by));
        }
        documents.extend(self.texts(|format| format != Format::DotEnv));
        documents
    }

    fn texts(&self, wanted: impl Fn(Format) -> bool) -> impl Iterator<Item = Document> {
        self.texts
            .iter()
            .filter(move |(format, _, _)| wanted(*format))
            .map(|(format, name, contents)| Document {
                format: *format,
                name: name.clone(),
                contents: contents.clone(),
                folder: None,
            })
    }
}

/// Prints what the sources are, never what they hold.
impl fmt::Debug for Loader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<&str> = self
            .texts
            .iter()
            .map(|(_, name, _)| name.as_str())
            .collect();
        let overrides: Vec<&str> = self
            .overrides
            .iter()
            .filter_map(|text| text.split_once('=').map(|(key, _)| key))
            .collect();
        let files: Vec<&PathBuf> = self.files.iter().map(|(path, _)| path).collect();
        f.debug_struct("Loader")
            .field("process_env", &self.process_env)
            .field("env", &self.env.keys().collect::<Vec<_>>())
            .field("folder", &self.folder)
            .field("files", &files)
            .field("dotenvs", &self.dotenvs)
            .field("texts", &texts)
            .field("overrides", &overrides)
            .finish()
    }
}

/// The fault of a variable of ours whose value is no text.
fn unreadable_variable(name: &str) -> Fault {
    let fault = Fault::new(
        "the value is not UTF-8 text",
        "set it again, with plain characters",
    )
    .with_origin(format!("environment {name}"));
    match key::of_variable(name) {
        Some(key) => fault.with_key(key.full()).with_variables([name.to_owned()]),
        None => fault,
    }
}

/// The trimmed value of a variable, unless it is blank.
fn filled<'a>(variables: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    let value = variables.get(name)?.trim();
    (!value.is_empty()).then_some(value)
}

/// The settings files that lie in a folder, lowest first.
fn discovered(folder: &Path, gathering: &mut Gathering) -> Vec<PathBuf> {
    let ours = edge::existing(folder, &NAMES);
    if ours.len() > 1 {
        let names: Vec<String> = ours.iter().map(|path| path.display().to_string()).collect();
        gathering.faults.push(Fault::new(
            format!("more than one settings file: {}", names.join(" and ")),
            "keep one of them, or name one with TOWLINE_CONFIG",
        ));
    }
    let mut paths = edge::existing(folder, &[SHARED]);
    // It is usually there for other programs: no fault in a build that cannot read it.
    if !paths.is_empty() && !cfg!(feature = "hocon") {
        gathering.warnings.push(format!(
            "{SHARED} is not read: this build is without the feature 'hocon' of towline-config"
        ));
        paths.clear();
    }
    paths.extend(ours);
    paths
}

// === impl Gathering ===

impl Gathering {
    fn add(&mut self, outcome: (Vec<Entry>, Vec<Fault>)) {
        self.entries.extend(outcome.0);
        self.faults.extend(outcome.1);
    }

    /// A file, and what names it where it was not found by itself.
    fn read(
        &mut self,
        path: &Path,
        format: Option<Format>,
        named_by: Option<&'static str>,
    ) -> Option<Document> {
        let name = path.strip_prefix(".").unwrap_or(path).display().to_string();
        let unknown = || {
            Fault::new(
                format!("the format of {} is not known", path.display()),
                "name it .toml, .yaml, .yml, .json or .conf",
            )
        };
        let read = format
            .ok_or_else(unknown)
            .and_then(|format| Ok((format, edge::read_text(path)?)));
        match read {
            Ok((format, contents)) => Some(Document {
                format,
                name,
                contents,
                folder: path.parent().map(Path::to_path_buf),
            }),
            Err(fault) => {
                self.faults.push(match named_by {
                    Some(place) => fault.with_origin(place),
                    None => fault,
                });
                None
            }
        }
    }

    fn document(
        &mut self,
        order: usize,
        document: &Document,
        variables: &BTreeMap<String, String>,
    ) {
        let text = Text {
            format: document.format,
            name: &document.name,
            contents: &document.contents,
            folder: document.folder.as_deref(),
        };
        let (tree, faults) = format::parse(&text, variables);
        self.faults.extend(faults);
        let origin = Origin {
            layer: Layer::File,
            order,
            name: document.name.clone(),
            meant: true,
        };
        // HOCON files are shared with the other programs of a project.
        let shared = document.format == Format::Hocon && !document.name.ends_with("towline.conf");
        if shared && !tree.keys().any(|name| layer::is_root(name)) {
            self.warnings
                .push(format!("{} has no section towline or llm4s", document.name));
        }
        self.add(layer::from_tree(&origin, tree, shared));
    }

    fn environment(&mut self, layer: Layer, label: &str, variables: &BTreeMap<String, String>) {
        let reading = layer::from_environment(layer, label, variables);
        self.entries.extend(reading.entries);
        self.faults.extend(reading.faults);
        self.warnings.extend(reading.warnings);
    }
}
