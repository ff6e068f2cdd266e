//! Random secrets.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use zeroize::Zeroizing;

/// A secret of 32 random bytes in 43 characters that need no escaping anywhere.
pub fn token() -> SecretString {
    let bytes = Zeroizing::new(random::<32>());
    SecretString::from(URL_SAFE_NO_PAD.encode(bytes.as_slice()))
}

/// A random name of 16 characters.
pub fn name() -> String {
    URL_SAFE_NO_PAD.encode(random::<12>())
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // A system without random numbers can keep no secret; there is nothing sensible to go on with.
    #[allow(clippy::expect_used)]
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
