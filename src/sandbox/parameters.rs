//! A stack's parameters: given or by default, within the rules that the template sets for them.
//!
//! Source: CloudFormation User Guide, "CloudFormation template Parameters syntax"; the wording of refusals is
//! CloudFormation's.

use std::collections::BTreeMap;

use super::intrinsics::scalar;
use super::template::{Parameter, Template, refused};
use crate::cloud::CloudError;
use crate::document::Value;

/// A parameter's value, as `Ref` gives it: a list for those that are lists.
pub(super) fn parameter_value(parameter: &Parameter, text: String) -> Value {
    if parameter.kind == "CommaDelimitedList" || parameter.kind.starts_with("List<") {
        let items = text.split(',').map(|item| item.trim().to_owned());
        return items.collect();
    }
    text.into()
}

/// The values of all parameters: those given, else the defaults, each within its rules.
pub(super) fn resolve_parameters(
    template: &Template,
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, CloudError> {
    let unknown: Vec<&str> = given
        .keys()
        .filter(|name| !template.parameters.contains_key(*name))
        .map(String::as_str)
        .collect();
    if !unknown.is_empty() {
        return Err(refused(format!(
            "Parameters: [{}] do not exist in the template",
            unknown.join(", ")
        )));
    }
    let mut values = BTreeMap::new();
    let mut without = Vec::new();
    for (name, parameter) in &template.parameters {
        let default = || parameter.rules.get("Default").and_then(scalar);
        match given.get(name).cloned().or_else(default) {
            Some(value) => {
                within_rules(name, parameter, &value)?;
                values.insert(name.clone(), value);
            }
            None => without.push(name.as_str()),
        }
    }
    if !without.is_empty() {
        return Err(refused(format!("Parameters: [{}] must have values", without.join(", "))));
    }
    Ok(values)
}

fn within_rules(name: &str, parameter: &Parameter, value: &str) -> Result<(), CloudError> {
    let rule = |rule: &str| parameter.rules.get(rule).and_then(scalar);
    let wrong = |text: String| {
        let own = rule("ConstraintDescription");
        refused(match own {
            Some(own) => format!("Parameter {name} failed to satisfy constraint: {own}"),
            None => text,
        })
    };
    if value.len() > 4096 {
        return Err(refused(format!(
            "Parameter value for parameter name {name} is too long. Length must be less than or equal to 4096"
        )));
    }
    if parameter.kind == "Number" && value.trim().parse::<f64>().is_err() {
        return Err(refused(format!("Parameter '{name}' must be a number.")));
    }
    if parameter.kind == "List<Number>"
        && !value.split(',').all(|item| item.trim().parse::<f64>().is_ok())
    {
        return Err(refused(format!("Parameter '{name}' must be a list of numbers.")));
    }
    if let Some(Value::List(allowed)) = parameter.rules.get("AllowedValues") {
        let allowed: Vec<String> = allowed.iter().filter_map(scalar).collect();
        let items: Vec<&str> = match parameter.kind.as_str() {
            "CommaDelimitedList" => value.split(',').map(str::trim).collect(),
            _ => vec![value],
        };
        if items.iter().any(|item| !allowed.iter().any(|one| one == item)) {
            return Err(wrong(format!("Parameter '{name}' must be one of AllowedValues")));
        }
    }
    if let Some(pattern) = rule("AllowedPattern") {
        let whole = regex_lite::Regex::new(&format!("^(?:{pattern})$"));
        let Ok(whole) = whole else {
            return Err(refused(format!(
                "Template validation error: Invalid pattern {pattern} for parameter {name}"
            )));
        };
        if !whole.is_match(value) {
            return Err(wrong(format!(
                "Parameter {name} failed to satisfy constraint: Member must satisfy regular expression pattern: {pattern}"
            )));
        }
    }
    let number = |rule_name: &str| rule(rule_name).and_then(|text| text.parse::<f64>().ok());
    let length = value.chars().count() as f64;
    if number("MinLength").is_some_and(|least| length < least) {
        let least = rule("MinLength").unwrap_or_default();
        return Err(wrong(format!("Parameter '{name}' must contain at least {least} characters")));
    }
    if number("MaxLength").is_some_and(|most| length > most) {
        let most = rule("MaxLength").unwrap_or_default();
        return Err(wrong(format!("Parameter '{name}' must contain at most {most} characters")));
    }
    if parameter.kind == "Number" {
        let value: f64 = value.trim().parse().unwrap_or_default();
        if number("MinValue").is_some_and(|least| value < least) {
            let least = rule("MinValue").unwrap_or_default();
            return Err(wrong(format!(
                "Parameter '{name}' must be a number not less than {least}"
            )));
        }
        if number("MaxValue").is_some_and(|most| value > most) {
            let most = rule("MaxValue").unwrap_or_default();
            return Err(wrong(format!(
                "Parameter '{name}' must be a number not greater than {most}"
            )));
        }
    }
    Ok(())
}
