//! Habits of Terraform's users: `-auto-approve` is taken for `--auto-approve`, and default arguments
//! of a verb come from `LAKEWRIGHT_ARGS_<verb>`.

use std::ffi::OsString;

/// The words that Terraform writes with one dash and that mean the same here: exactly these.
const SINGLE_DASH: [&str; 6] =
    ["-out", "-detailed-exitcode", "-auto-approve", "-json", "-no-color", "-destroy"];

/// Rewrites the arguments before they are parsed.
pub fn normalise(
    arguments: impl IntoIterator<Item = OsString>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Vec<OsString> {
    let mut rewritten: Vec<OsString> = Vec::new();
    let mut inserted = false;
    for (at, argument) in arguments.into_iter().enumerate() {
        let Some(text) = argument.to_str() else {
            rewritten.push(argument);
            continue;
        };
        let name = text.split('=').next().unwrap_or(text);
        if at > 0 && SINGLE_DASH.contains(&name) {
            rewritten.push(format!("-{text}").into());
            continue;
        }
        let verb = (at > 0 && !inserted && !text.starts_with('-')).then(|| text.to_owned());
        rewritten.push(argument);
        if let Some(verb) = verb {
            inserted = true;
            let more = variable(&format!("LAKEWRIGHT_ARGS_{verb}")).unwrap_or_default();
            rewritten.extend(more.split_whitespace().map(OsString::from));
        }
    }
    rewritten
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewrite(line: &str) -> String {
        let variable =
            |name: &str| (name == "LAKEWRIGHT_ARGS_plan").then(|| "--env dev -detailed".to_owned());
        let words = line.split(' ').map(OsString::from);
        let words = normalise(words, &variable);
        words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn exactly_the_words_of_terraform_are_taken() {
        assert_eq!(rewrite("lakewright apply -auto-approve"), "lakewright apply --auto-approve");
        assert_eq!(rewrite("lakewright show -json -x"), "lakewright show --json -x");
        assert_eq!(rewrite("lakewright apply -out=p"), "lakewright apply --out=p");
    }

    #[test]
    fn a_verb_has_default_arguments() {
        assert_eq!(
            rewrite("lakewright -q plan lake.yaml"),
            "lakewright -q plan --env dev -detailed lake.yaml"
        );
    }
}
