//! What answers took: recorded with the end of each run, told by day, session and model. Pure but for the store.

mod aggregate;
mod days;
mod totals;

use bulkhead_agent::Usage;
use bulkhead_config::ModelCost;
use bulkhead_store::{Cost, NewUsage, Tokens};

pub(crate) use aggregate::{Aggregates, session_summary};
pub(crate) use days::{Asked, Range};
pub(crate) use totals::{Totals, daily};

/// Prices are per million tokens.
const PER: f64 = 1_000_000.0;

/// What a run took, ready to be recorded. `None`: no model was asked.
pub(crate) fn spent(
    provider: &str,
    model: &str,
    usage: &Usage,
    price: Option<ModelCost>,
) -> Option<NewUsage> {
    if usage.input == 0 && usage.output == 0 && usage.total == 0 {
        return None;
    }
    let tokens = Tokens {
        // What providers call the request's tokens holds the cached ones.
        input: usage.input.saturating_sub(usage.cache_read).saturating_sub(usage.cache_write),
        output: usage.output,
        cache_read: usage.cache_read,
        cache_write: usage.cache_write,
    };
    Some(NewUsage {
        provider: provider.to_owned(),
        model: model.to_owned(),
        tokens,
        cost: price.map(|price| cost(tokens, price)),
    })
}

#[allow(clippy::cast_precision_loss, reason = "nobody pays for 2^52 tokens at once")]
fn cost(tokens: Tokens, price: ModelCost) -> Cost {
    let of = |count: u64, price: f64| count as f64 * price / PER;
    Cost {
        input: of(tokens.input, price.input),
        output: of(tokens.output, price.output),
        cache_read: of(tokens.cache_read, price.cache_read),
        cache_write: of(tokens.cache_write, price.cache_write),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_price_is_that_of_each_kind_of_token() {
        let usage = Usage {
            input: 3_000_000,
            output: 500_000,
            cache_read: 1_000_000,
            cache_write: 0,
            total: 3_500_000,
        };
        let price = ModelCost { input: 2.0, output: 10.0, cache_read: 0.5, cache_write: 9.0 };
        let spent = spent("p", "m", &usage, Some(price)).unwrap();
        assert_eq!(spent.tokens.input, 2_000_000);
        assert_eq!(spent.cost, Some(Cost { input: 4.0, output: 5.0, cache_read: 0.5, cache_write: 0.0 }));
        assert_eq!(super::spent("p", "m", &Usage::default(), None), None);
    }
}
