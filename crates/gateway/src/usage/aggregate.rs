//! What runs took, by model, agent, channel and day, as `sessions.usage` tells it.

use std::collections::{BTreeMap, BTreeSet};

use bulkhead_store::UsageEntry;
use serde_json::{Value, json};

use super::{Range, Totals};

/// The aggregates of many sessions.
#[derive(Debug, Default)]
pub(crate) struct Aggregates {
    sessions: BTreeSet<String>,
    tools: BTreeMap<String, u64>,
    errors: u64,
    models: BTreeMap<(String, String), (u64, Totals)>,
    providers: BTreeMap<String, (u64, Totals)>,
    agents: BTreeMap<String, Totals>,
    channels: BTreeMap<String, Totals>,
    days: BTreeMap<String, Day>,
    day_models: BTreeMap<(String, String, String), (u64, Totals)>,
    runs: u64,
}

#[derive(Debug, Default)]
struct Day {
    totals: Totals,
    runs: u64,
    tool_calls: u64,
    errors: u64,
    /// How long runs took, in milliseconds.
    took: Vec<i64>,
}

/// Numbers about how long answers took.
fn latency(mut took: Vec<i64>) -> Option<Value> {
    took.sort_unstable();
    let (least, most) = (*took.first()?, *took.last()?);
    let count = i64::try_from(took.len()).unwrap_or(i64::MAX);
    let high = took[(took.len() * 95).div_ceil(100).saturating_sub(1)];
    Some(json!({
        "count": count, "avgMs": took.iter().sum::<i64>() / count, "p95Ms": high, "minMs": least, "maxMs": most,
    }))
}

impl Aggregates {
    /// The aggregates of these runs.
    pub(crate) fn of(entries: &[UsageEntry], range: &Range) -> Self {
        let mut all = Self::default();
        for entry in entries {
            all.add(entry, range);
        }
        all
    }

    fn add(&mut self, entry: &UsageEntry, range: &Range) {
        let spent = &entry.spent;
        let calls: u64 = entry.tools.values().sum();
        self.runs += 1;
        self.sessions.insert(entry.session_key.clone());
        self.errors += u64::from(entry.failed);
        for (name, count) in &entry.tools {
            *self.tools.entry(name.clone()).or_default() += count;
        }
        let count = |slot: &mut (u64, Totals)| {
            slot.0 += 1;
            slot.1.add(entry);
        };
        count(self.models.entry((spent.provider.clone(), spent.model.clone())).or_default());
        count(self.providers.entry(spent.provider.clone()).or_default());
        self.agents.entry(entry.agent_id.clone()).or_default().add(entry);
        if let Some(channel) = &entry.channel {
            self.channels.entry(channel.clone()).or_default().add(entry);
        }
        let date = range.day_of(entry.ended_at);
        count(
            self.day_models.entry((date.clone(), spent.provider.clone(), spent.model.clone())).or_default(),
        );
        let day = self.days.entry(date).or_default();
        day.totals.add(entry);
        day.runs += 1;
        day.tool_calls += calls;
        day.errors += u64::from(entry.failed);
        day.took.push((entry.ended_at - entry.started_at).max(0));
    }

    fn tool_calls(&self) -> u64 {
        self.tools.values().sum()
    }

    /// Messages: each run has a question and an answer.
    fn messages(&self) -> Value {
        let calls = self.tool_calls();
        json!({
            "total": self.runs * 2 + calls, "user": self.runs, "assistant": self.runs, "toolCalls": calls,
            "toolResults": calls, "errors": self.errors,
        })
    }

    fn tools(&self) -> Value {
        let mut tools: Vec<(&String, &u64)> = self.tools.iter().collect();
        tools.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let rows: Vec<Value> =
            tools.iter().map(|(name, count)| json!({"name": name, "count": count})).collect();
        json!({"totalCalls": self.tool_calls(), "uniqueTools": rows.len(), "tools": rows})
    }

    fn by_model(&self) -> Vec<Value> {
        let row = |((provider, model), (count, totals)): (&(String, String), &(u64, Totals))| json!({"provider": provider, "model": model, "count": count, "totals": totals});
        self.models.iter().map(row).collect()
    }

    /// As `sessions.usage` tells them.
    pub(crate) fn to_value(&self) -> Value {
        let by_provider: Vec<Value> = self
            .providers
            .iter()
            .map(
                |(provider, (count, totals))| json!({"provider": provider, "count": count, "totals": totals}),
            )
            .collect();
        let by_agent: Vec<Value> =
            self.agents.iter().map(|(id, totals)| json!({"agentId": id, "totals": totals})).collect();
        let by_channel: Vec<Value> =
            self.channels.iter().map(|(id, totals)| json!({"channel": id, "totals": totals})).collect();
        let took = self.days.values().flat_map(|day| day.took.iter().copied()).collect();
        let mut value = json!({
            "sessionCount": self.sessions.len(),
            "messages": self.messages(),
            "tools": self.tools(),
            "byModel": self.by_model(),
            "byProvider": by_provider,
            "byAgent": by_agent,
            "byChannel": by_channel,
            "byCreator": [],
            "costDaily": self.days.iter().map(|(date, day)| day.totals.beside(json!({"date": date}))).collect::<Vec<_>>(),
            "dailyLatency": self.daily_latency(),
            "modelDaily": self.daily_models(),
            "daily": self.daily(),
        });
        if let Some(latency) = latency(took) {
            value["latency"] = latency;
        }
        value
    }

    fn daily_latency(&self) -> Vec<Value> {
        let row = |(date, day): (&String, &Day)| {
            let mut row = latency(day.took.clone())?;
            row["date"] = date.as_str().into();
            Some(row)
        };
        self.days.iter().filter_map(row).collect()
    }

    fn daily_models(&self) -> Vec<Value> {
        self.day_models
            .iter()
            .map(|((date, provider, model), (count, totals))| {
                json!({
                    "date": date, "provider": provider, "model": model, "tokens": totals.total_tokens,
                    "cost": totals.total_cost, "count": count,
                })
            })
            .collect()
    }

    fn daily(&self) -> Vec<Value> {
        self.days
            .iter()
            .map(|(date, day)| {
                json!({
                    "date": date, "tokens": day.totals.total_tokens, "cost": day.totals.total_cost,
                    "messages": day.runs * 2 + day.tool_calls, "toolCalls": day.tool_calls, "errors": day.errors,
                })
            })
            .collect()
    }
}

/// What one session took, as its row in `sessions.usage` tells it. `None`: nothing.
pub(crate) fn session_summary(entries: &[&UsageEntry], range: &Range) -> Option<Value> {
    let (first, last) = (entries.first()?, entries.last()?);
    let own: Vec<UsageEntry> = entries.iter().copied().cloned().collect();
    let all = Aggregates::of(&own, range);
    let days: Vec<&String> = all.days.keys().collect();
    let breakdown: Vec<Value> = all
        .days
        .iter()
        .map(|(date, day)| {
            day.totals.beside(
                json!({"date": date, "tokens": day.totals.total_tokens, "cost": day.totals.total_cost}),
            )
        })
        .collect();
    let head = json!({
        "sessionId": last.session_id,
        "firstActivity": first.started_at,
        "lastActivity": last.ended_at,
        "durationMs": (last.ended_at - first.started_at).max(0),
        "activityDates": days,
        "dailyBreakdown": breakdown,
        "dailyModelUsage": all.daily_models(),
        "dailyLatency": all.daily_latency(),
        "messageCounts": all.messages(),
        "toolUsage": all.tools(),
        "modelUsage": all.by_model(),
    });
    let mut value = Totals::of(entries.iter().copied()).beside(head);
    if let Some(latency) = latency(all.days.values().flat_map(|day| day.took.iter().copied()).collect()) {
        value["latency"] = latency;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use bulkhead_store::{Cost, NewUsage, Tokens};

    use super::*;
    use crate::usage::Asked;

    fn entry(model: &str, at: i64, cost: Option<Cost>) -> UsageEntry {
        UsageEntry {
            run_id: at.to_string(),
            session_key: "agent:main:main".into(),
            agent_id: "main".into(),
            spent: NewUsage {
                provider: "p".into(),
                model: model.into(),
                tokens: Tokens { input: 10, output: 5, ..Tokens::default() },
                cost,
            },
            started_at: at - 40,
            ended_at: at,
            tools: [("read".to_owned(), 2)].into(),
            ..UsageEntry::default()
        }
    }

    #[test]
    fn sums_agree_however_they_are_cut() {
        let range =
            Range::of(&Asked { mode: Some("utc".into()), ..Asked::default() }, 1_795_176_000_000).unwrap();
        let cost = Cost { input: 1.0, output: 2.0, ..Cost::default() };
        let entries = [entry("a", 1_795_089_600_000, Some(cost)), entry("b", 1_795_176_000_000, None)];
        let value = Aggregates::of(&entries, &range).to_value();
        assert_eq!(value["sessionCount"], 1);
        assert_eq!(value["byAgent"][0]["totals"]["totalTokens"], 30);
        assert_eq!(value["byAgent"][0]["totals"]["missingCostEntries"], 1);
        assert_eq!(value["tools"]["tools"][0], serde_json::json!({"name": "read", "count": 4}));
        assert_eq!(value["modelDaily"].as_array().unwrap().len(), 2);
        assert_eq!(value["latency"]["p95Ms"], 40);
        let days: Vec<&str> =
            value["daily"].as_array().unwrap().iter().map(|day| day["date"].as_str().unwrap()).collect();
        assert_eq!(days, ["2026-11-19", "2026-11-20"]);
        let summary = session_summary(&entries.iter().collect::<Vec<_>>(), &range).unwrap();
        assert_eq!((summary["totalCost"].as_f64(), summary["totalTokens"].as_u64()), (Some(3.0), Some(30)));
        assert_eq!(super::super::daily(&entries, &range).len(), 30);
    }
}
