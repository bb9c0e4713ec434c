//! Topics that alarms go to, with a key of their own: the key that AWS manages for SNS lets no alarm
//! through ("Amazon SNS encryption of data at rest" in the SNS developer guide).

use super::{Lowering, describe};
use crate::document::Value;
use crate::graph::{self, Part};
use crate::lake::Notify;
use crate::lake::naming::logical_id;
use crate::names::{LogicalId, Name};
use crate::policy::limit;
use crate::source::Span;

/// The logical id of a topic.
pub(super) fn topic_id(name: &Name) -> LogicalId {
    logical_id("TopicNotify", &[name.as_str()])
}

impl Lowering<'_> {
    /// The start of the name of every alarm of the lake: what a topic and its key let through.
    pub(super) fn alarm_prefix(&self) -> String {
        format!("{}-", self.lake.naming.lake_id())
    }

    /// How an alarm names a recipient.
    pub(super) fn topic_arn(&self, name: &Name) -> Option<Value> {
        let notify = self.lake.notify.get(name)?;
        Some(match &notify.existing {
            Some(existing) => Value::from(&existing.value),
            None => graph::reference(&topic_id(name)),
        })
    }

    /// The key of all topics, and each topic of ours. `rules` are the ARNs of the EventBridge rules
    /// that publish to a topic, by recipient.
    pub(super) fn topics(&mut self, rules: &dyn Fn(&Name) -> Vec<Value>) {
        let lake = self.lake;
        let own: Vec<&Notify> =
            lake.notify.values().filter(|notify| notify.existing.is_none()).collect();
        if own.is_empty() {
            return;
        }
        self.topic_key();
        for notify in own {
            self.topic(notify, rules(&notify.name));
        }
    }

    fn topic_key(&mut self) {
        let mut statements = self.fill_here("key-root", &[]);
        let prefix = self.alarm_prefix();
        statements.extend(self.fill_here("key-topic-alarms", &[("alarm_prefix", prefix.into())]));
        statements.extend(self.fill_here("key-topic-events", &[]));
        let document = self.policy(
            statements,
            limit::KEY_POLICY,
            "the policy of the topics' key",
            Span::default(),
            "notify",
        );
        let mut key = self.resource("AWS::KMS::Key", "KeyTopics", &[], Part::Watching, "notify");
        key.set("Description", format!("Lake {}: topics", self.lake.naming.lake_id()))
            .set("EnableKeyRotation", true)
            .set("PendingWindowInDays", 30)
            .set_policy("KeyPolicy", &document);
        self.graph.add(key);
    }

    fn topic(&mut self, notify: &Notify, rules: Vec<Value>) {
        let id = topic_id(&notify.name);
        let names = [notify.name.as_str()];
        let mut topic =
            self.resource("AWS::SNS::Topic", "TopicNotify", &names, Part::Watching, &notify.path());
        topic
            .set(
                "DisplayName",
                describe(&notify.description, format!("Lake {}", self.lake.naming.lake_id())),
            )
            .set("KmsMasterKeyId", graph::reference(&logical_id("KeyTopics", &[])));
        self.graph.add(topic);

        let topic_arn = graph::reference(&id);
        let mut statements = self.fill_here(
            "topic-alarms",
            &[("topic", topic_arn.clone().into()), ("alarm_prefix", self.alarm_prefix().into())],
        );
        statements.extend(
            self.fill_here("topic-deny-insecure-transport", &[("topic", topic_arn.clone().into())]),
        );
        if !rules.is_empty() {
            statements.extend(self.from("alarms", |lowering| {
                lowering.fill_here(
                    "topic-events",
                    &[("topic", topic_arn.clone().into()), ("rules", rules.into())],
                )
            }));
        }
        // A topic policy has at most 30,720 bytes (SNS, "Amazon SNS endpoints and quotas").
        let what = format!("the policy of topic `{}`", notify.name);
        let document = self.policy(statements, TOPIC_POLICY, &what, notify.span, &notify.path());
        let mut policy = self.resource(
            "AWS::SNS::TopicPolicy",
            "PolicyTopicNotify",
            &names,
            Part::Watching,
            &notify.path(),
        );
        policy
            .set("Topics", Value::List(vec![topic_arn.clone()]))
            .set_policy("PolicyDocument", &document);
        self.graph.add(policy);

        if let Some(email) = &notify.email {
            let mut subscription = self.resource(
                "AWS::SNS::Subscription",
                "SubscriptionNotify",
                &names,
                Part::Watching,
                &notify.path(),
            );
            subscription.set("TopicArn", topic_arn).set("Protocol", "email").set_from(
                "Endpoint",
                ".email",
                email.clone(),
            );
            self.graph.add(subscription);
        }
    }
}

/// Bytes of a topic's policy.
const TOPIC_POLICY: usize = limit::BUCKET_POLICY;
