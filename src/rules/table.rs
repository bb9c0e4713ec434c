//! The rules: code, severity, what each is about, and the controls of AWS that it answers.
//!
//! A control is named only where AWS's page asks for what the rule finds. The pages of the codes in `docs/codes/` say more
//! and show what breaks each rule; `tests/rules.rs` holds both together. Sources of the controls: Security Hub user guide,
//! "Security Hub CSPM controls reference"; Control Tower controls reference, "Proactive controls".

use super::{Control, Rule, Severity, buckets, formation, identity, keeping, keys, outside, trust};
use crate::diagnostic::{self, Code};

const fn s3(id: &'static str) -> Control {
    Control {
        id,
        source: "https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html",
    }
}

const fn kms(id: &'static str) -> Control {
    Control {
        id,
        source: "https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html",
    }
}

const fn iam(id: &'static str) -> Control {
    Control {
        id,
        source: "https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html",
    }
}

const SNS_4: Control = Control {
    id: "SNS.4",
    source: "https://docs.aws.amazon.com/securityhub/latest/userguide/sns-controls.html",
};

const fn tower_s3(id: &'static str) -> Control {
    Control {
        id,
        source: "https://docs.aws.amazon.com/controltower/latest/controlreference/s3-rules.html",
    }
}

const fn tower_iam(id: &'static str) -> Control {
    Control {
        id,
        source: "https://docs.aws.amazon.com/controltower/latest/controlreference/iam-rules.html",
    }
}

/// The rule of a code, such as `LW0472`.
pub fn rule(code: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.code.as_str() == code)
}

/// The rule of a code that is in the table.
pub(super) fn of(code: Code) -> &'static Rule {
    rule(code.as_str()).expect("invariant: a rule's code is in the table")
}

/// All rules, ascending by code.
pub static RULES: &[Rule] = &[
    Rule {
        code: diagnostic::LW0445,
        severity: Severity::Critical,
        title: "everything on everything is allowed",
        why: "Whoever gets hold of the principal has the account.",
        controls: &[iam("IAM.1"), tower_iam("CT.IAM.PR.1"), tower_iam("CT.IAM.PR.2")],
        waivable: true,
        find: identity::everything,
    },
    Rule {
        code: diagnostic::LW0446,
        severity: Severity::Medium,
        title: "every action of a service is allowed",
        why: "What AWS adds to the service is allowed as well, and so is what changes its policies.",
        controls: &[iam("IAM.21"), tower_iam("CT.IAM.PR.3"), tower_iam("CT.IAM.PR.5")],
        waivable: true,
        find: identity::whole_services,
    },
    Rule {
        code: diagnostic::LW0447,
        severity: Severity::High,
        title: "the principal can give itself more",
        why: "Whoever writes policies, or makes credentials of others, has what those may do, whatever else is denied.",
        controls: &[],
        waivable: true,
        find: identity::escalation,
    },
    Rule {
        code: diagnostic::LW0448,
        severity: Severity::High,
        title: "roles can be handed to any service, or any role to one",
        why: "Handing a role to something that runs one's own code is holding that role.",
        controls: &[],
        waivable: true,
        find: identity::pass_role,
    },
    Rule {
        code: diagnostic::LW0449,
        severity: Severity::Medium,
        title: "access to S3 without the account that owns the bucket",
        why: "The ARN of a bucket names no account. Once the bucket is deleted, or where it never was, a stranger makes one \
              of that name, and data goes there.",
        controls: &[],
        waivable: true,
        find: identity::resource_account,
    },
    Rule {
        code: diagnostic::LW0450,
        severity: Severity::High,
        title: "allowed is all but what is named",
        why: "`NotAction`, `NotResource` and `NotPrincipal` in an Allow let in whatever AWS, or anybody, makes later.",
        controls: &[],
        waivable: true,
        find: identity::exclusions,
    },
    Rule {
        code: diagnostic::LW0451,
        severity: Severity::Medium,
        title: "the key can be used by whoever the account lets use it",
        why: "Every identity policy of the account with the right action decrypts: the key policy decides nothing any more.",
        controls: &[],
        waivable: true,
        find: keys::whole_account,
    },
    Rule {
        code: diagnostic::LW0452,
        severity: Severity::High,
        title: "a principal may do everything to the key",
        why: "One principal that administers a key and uses it reads all that the key protects, and lets others in.",
        controls: &[],
        waivable: true,
        find: keys::everything,
    },
    Rule {
        code: diagnostic::LW0453,
        severity: Severity::Medium,
        title: "every key may be used to decrypt",
        why: "Whatever any key of the account protects is open to the principal, as far as the key's policy leaves it to the \
              account.",
        controls: &[kms("KMS.1"), kms("KMS.2")],
        waivable: true,
        find: identity::every_key,
    },
    Rule {
        code: diagnostic::LW0454,
        severity: Severity::High,
        title: "grants of the key for anybody",
        why: "A grant of KMS gives the use of a key on and stands in no policy. Only services need to make one for others.",
        controls: &[],
        waivable: true,
        find: keys::grants,
    },
    Rule {
        code: diagnostic::LW0455,
        severity: Severity::High,
        title: "another account changes who gets into the bucket",
        why: "What the other account does to policy, access control list or encryption, nobody here sees.",
        controls: &[s3("S3.6")],
        waivable: true,
        find: buckets::rights_of_others,
    },
    Rule {
        code: diagnostic::LW0456,
        severity: Severity::Medium,
        title: "the bucket takes requests without TLS",
        why: "Data and signed requests are readable on the way.",
        controls: &[s3("S3.5"), tower_s3("CT.S3.PR.8")],
        waivable: true,
        find: buckets::transport,
    },
    Rule {
        code: diagnostic::LW0457,
        severity: Severity::High,
        title: "access logs can be written, replaced or deleted",
        why: "Who covers their tracks does it in the logs: only log delivery writes there, each bucket to a prefix of its own.",
        controls: &[],
        waivable: true,
        find: buckets::logs,
    },
    Rule {
        code: diagnostic::LW0458,
        severity: Severity::Critical,
        title: "who may read a part of a table reads its files",
        why: "Columns and rows mean nothing to somebody who reads the objects.",
        controls: &[],
        waivable: false,
        find: formation::round_restriction,
    },
    Rule {
        code: diagnostic::LW0459,
        severity: Severity::Low,
        title: "objects under Lake Formation are reached without it",
        why: "What Lake Formation grants is not all that the principal has: its policies let it at the files.",
        controls: &[],
        waivable: true,
        find: formation::past,
    },
    Rule {
        code: diagnostic::LW0460,
        severity: Severity::Low,
        title: "access to a data location, which is writing all below it",
        why: "Its holder defines tables over the whole location, owns them, and has what they hold read and written.",
        controls: &[],
        waivable: true,
        find: formation::locations,
    },
    Rule {
        code: diagnostic::LW0461,
        severity: Severity::Low,
        title: "grants of Lake Formation can be given on",
        why: "A holder of Super, of a grant option, or an administrator decides who else gets in.",
        controls: &[],
        waivable: true,
        find: formation::given_on,
    },
    Rule {
        code: diagnostic::LW0462,
        severity: Severity::Medium,
        title: "Lake Formation's data is unlocked for somebody without a grant",
        why: "The action has no resource: it unlocks every grant that the principal has or will get.",
        controls: &[],
        waivable: true,
        find: formation::data_access,
    },
    Rule {
        code: diagnostic::LW0463,
        severity: Severity::High,
        title: "Lake Formation is left to IAM",
        why: "While `IAMAllowedPrincipals` holds a permission, every grant and filter of Lake Formation on it says nothing.",
        controls: &[],
        waivable: true,
        find: formation::left_to_iam,
    },
    Rule {
        code: diagnostic::LW0464,
        severity: Severity::Medium,
        title: "columns are hidden by exclusion",
        why: "A column that is added later is shown to everybody who holds the grant.",
        controls: &[],
        waivable: true,
        find: formation::exclusions,
    },
    Rule {
        code: diagnostic::LW0465,
        severity: Severity::High,
        title: "who writes objects also undoes what keeps them",
        why: "Versions, retention, lifecycle and replication protect data from those who write it, if those cannot change \
              them.",
        controls: &[],
        waivable: true,
        find: keeping::undoing,
    },
    Rule {
        code: diagnostic::LW0466,
        severity: Severity::Medium,
        title: "whoever assumes the role chooses its tags",
        why: "Policies that test `aws:PrincipalTag` or `aws:SourceIdentity` hold only what their caller cannot choose.",
        controls: &[],
        waivable: true,
        find: trust::session,
    },
    Rule {
        code: diagnostic::LW0467,
        severity: Severity::High,
        title: "a federated role is not bound to one subject",
        why: "Every repository, workload or person of the same provider assumes it.",
        controls: &[],
        waivable: true,
        find: trust::federated,
    },
    Rule {
        code: diagnostic::LW0468,
        severity: Severity::Medium,
        title: "the whole catalog instead of a database and its tables",
        why: "Glue's permissions are held level by level; a pattern over all databases reaches those that come later.",
        controls: &[],
        waivable: true,
        find: identity::catalog,
    },
    Rule {
        code: diagnostic::LW0469,
        severity: Severity::High,
        title: "a share of AWS RAM leaves the organization",
        why: "Unless it says otherwise, a share goes to any account whose number somebody writes into it.",
        controls: &[],
        waivable: true,
        find: outside::shares,
    },
    Rule {
        code: diagnostic::LW0470,
        severity: Severity::Low,
        title: "this was not judged",
        why: "It speaks of access, and no rule read it.",
        controls: &[],
        waivable: true,
        find: outside::unread,
    },
    Rule {
        code: diagnostic::LW0471,
        severity: Severity::Critical,
        title: "nobody could change the policy any more",
        why: "A bucket's policy can still be changed by the account's root user; for a key there may be no way back.",
        controls: &[],
        waivable: false,
        find: outside::locked_out,
    },
    Rule {
        code: diagnostic::LW0472,
        severity: Severity::Critical,
        title: "open to everybody",
        why: "Whoever knows the name gets in, with any account of AWS or with none.",
        controls: &[s3("S3.2"), s3("S3.3"), kms("KMS.5"), SNS_4],
        waivable: true,
        find: outside::public,
    },
    Rule {
        code: diagnostic::LW0473,
        severity: Severity::High,
        title: "the bucket's public access block is not complete",
        why: "A policy or an access control list that is public takes effect as soon as somebody writes one.",
        controls: &[s3("S3.8"), tower_s3("CT.S3.PR.1")],
        waivable: true,
        find: buckets::public_access_block,
    },
    Rule {
        code: diagnostic::LW0474,
        severity: Severity::High,
        title: "another account assumes the role without an external id",
        why: "A third party that serves many customers can be talked into using its access for one of the others: the role \
              cannot tell for whom it is assumed.",
        controls: &[],
        waivable: true,
        find: trust::external_id,
    },
    Rule {
        code: diagnostic::LW0475,
        severity: Severity::Medium,
        title: "a service is let in for anybody's sake",
        why: "A stranger has the service act on this resource for an account of their own, unless the policy says for \
              whom the service may act.",
        controls: &[],
        waivable: true,
        find: outside::services,
    },
    Rule {
        code: diagnostic::LW0476,
        severity: Severity::High,
        title: "the check that keeps a key's policy changeable is bypassed",
        why: "KMS refuses a policy that its author could not change again, unless it is told not to look: the next slip of \
              the pen leaves a key that nobody manages.",
        controls: &[],
        waivable: true,
        find: outside::unchecked,
    },
];
