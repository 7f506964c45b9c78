//! The rules, each with a permanent code, a name, a description and a reason.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

macro_rules! rules {
    ($($rule:ident = $code:literal, $name:literal, $says:literal, $because:literal;)+) => {
        /// A rule. Its code is never reused, even if the rule is removed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        pub enum Rule {
            $(#[doc = $says] #[serde(rename = $code)] $rule,)+
        }

        impl Rule {
            /// Every rule, in the order of codes.
            pub const ALL: &[Self] = &[$(Self::$rule,)+];

            /// The code, such as `L001`.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$rule => $code,)+ }
            }

            /// The name, such as `label-release`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$rule => $name,)+ }
            }

            /// The description of an alarm of this rule, one line.
            pub const fn says(self) -> &'static str {
                match self { $(Self::$rule => $says,)+ }
            }

            /// The reason for this rule, one sentence.
            pub const fn because(self) -> &'static str {
                match self { $(Self::$rule => $because,)+ }
            }
        }
    };
}

rules! {
    LabelRelease = "L001", "label-release",
        "The stream label names a different OpenShift release than the builds of the document",
        "The installer's label named the previous release for five bumps in a row, and tools choose by it.";
    Directory = "L002", "directory",
        "A location's directory does not match its build or the stream label",
        "Each stream's builds have a directory of their own; a file in another directory is another stream's.";
    LabelBranch = "L003", "label-branch",
        "The stream label names a different OpenShift release than the branch that the change is for",
        "A bump was merged to the branch of another release.";
    LabelSiblings = "L004", "label-siblings",
        "The stream labels of a product's documents name different OpenShift releases",
        "The documents of a checkout are released together; a bump of one forgot the label of the other.";
    FileName = "L005", "file-name",
        "The document's file name and content disagree about the product, RHEL version or release",
        "The installer chooses the document by its file name.";
    MixedBuilds = "L006", "mixed-builds",
        "An architecture has more than one build",
        "The document of an architecture is made from one meta.json; a second build was put in by hand.";
    OtherBuild = "L007", "other-build",
        "A location or a cloud image is named after a different build than the release beside it",
        "A release that was edited by hand or left behind misleads anyone who verifies or prunes by it.";
    OtherFile = "L008", "other-file",
        "A location or signature is for a different architecture, platform or file than its place in the document",
        "Swapped locations boot the wrong image, with a digest that is right.";
    BuildsApart = "L009", "builds-apart",
        "One architecture's build comes from a different pipeline run than the others",
        "All architectures are built together; the bump forgot the odd one.";
    OlderBuild = "L010", "older-build",
        "An architecture's build is older than the base's",
        "A bump of months ago, merged late, overwrote a newer one.";
    Lost = "L011", "lost",
        "The base has something that the document lacks",
        "Regions and an OVA were dropped without mention.";
    SiblingHas = "L012", "sibling-has",
        "A sibling document has something that the document lacks",
        "A document with AMIs in 2 regions was merged beside a sibling with 36.";
    SameDigest = "L013", "same-digest",
        "Two different files have the same sha256",
        "No two files of a build have the same bytes; one digest was copied to the wrong place.";
    ChangedDigest = "L014", "changed-digest",
        "A file's sha256 differs from the base although its build is the same",
        "A build never changes; one of the digests is wrong, or the build was replaced.";
    Formatting = "L015", "formatting",
        "The text is not formatted as generators do, but the base was",
        "A manual edit or a different tool makes the diff of every later bump unreadable.";
    MarketplaceLag = "L016", "marketplace-lag",
        "Marketplace images are older than the document's build by more than half a year",
        "Marketplace images are bumped by hand and are easily forgotten.";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code(), self.name())
    }
}

/// The rules of an option: `L001`, `label-release`, or `all`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSet(Vec<Rule>);

impl RuleSet {
    pub fn contains(&self, rule: Rule) -> bool {
        self.0.contains(&rule)
    }
}

impl FromStr for RuleSet {
    type Err = UnknownRule;

    fn from_str(text: &str) -> Result<Self, UnknownRule> {
        if text == "all" {
            return Ok(Self(Rule::ALL.to_vec()));
        }
        let is_named = |rule: &Rule| text.eq_ignore_ascii_case(rule.code()) || text == rule.name();
        let rule = Rule::ALL.iter().copied().find(is_named);
        rule.map(|rule| Self(vec![rule])).ok_or(UnknownRule)
    }
}

/// A text does not name a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a rule such as L001 or label-release, or all; lint --rules lists them")]
pub struct UnknownRule;
