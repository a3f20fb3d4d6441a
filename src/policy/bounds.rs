//! Bounds of a text of policies, held before anything reads it.
//!
//! Cedar reads, checks and evaluates expressions by recursion: what nests too deeply would end the process, and a check
//! that runs out of stack passes. What is counted here is everything that can make an expression deeper.

/// Brackets within brackets at most.
const MAX_BRACKETS: usize = 30;
/// What can nest in one policy at most: operators, conditions, brackets, and looks into attributes.
const MAX_OPERATORS: usize = 250;

/// The lines on which a text's policies begin, if it is within bounds; else the line, and what is wrong there.
pub(super) fn check(text: &str) -> Result<Vec<usize>, (usize, String)> {
    let mut count = Count { line: 1, brackets: 0, operators: 0, is_within: false, begun: vec![] };
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => string(rest),
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            _ if first.is_ascii_alphanumeric() || first == '_' => count.word(rest),
            _ => {
                count.sign(rest, first);
                first.len_utf8()
            }
        };
        let (token, behind) = rest.split_at(length);
        count.begin(token);
        count.within()?;
        count.line += token.matches('\n').count();
        rest = behind;
    }
    Ok(count.begun)
}

struct Count {
    line: usize,
    brackets: usize,
    operators: usize,
    /// Whether a policy has begun and not ended.
    is_within: bool,
    begun: Vec<usize>,
}

impl Count {
    fn begin(&mut self, token: &str) {
        if token == ";" && self.brackets == 0 {
            self.is_within = false;
        } else if !self.is_within && !token.trim().is_empty() && !token.starts_with("//") {
            self.is_within = true;
            self.begun.push(self.line);
        }
    }

    fn word(&mut self, rest: &str) -> usize {
        let is_in = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = rest.find(|c| !is_in(c)).unwrap_or(rest.len());
        if matches!(rest.get(..length), Some("if" | "when" | "unless")) {
            self.operators += 1;
        }
        length
    }

    fn sign(&mut self, rest: &str, sign: char) {
        match sign {
            // A policy ends; within brackets none does.
            ';' if self.brackets == 0 => self.operators = 0,
            '(' | '[' | '{' => {
                self.brackets += 1;
                self.operators += 1;
            }
            ')' | ']' | '}' => self.brackets = self.brackets.saturating_sub(1),
            '.' | '+' | '-' | '*' | '!' => self.operators += 1,
            '&' | '|' if !rest[1..].starts_with(sign) => self.operators += 1,
            _ => {}
        }
    }

    fn within(&self) -> Result<(), (usize, String)> {
        if self.brackets > MAX_BRACKETS {
            return Err((self.line, format!("brackets may nest {MAX_BRACKETS} deep")));
        }
        if self.operators > MAX_OPERATORS {
            let message = format!("a policy may have {MAX_OPERATORS} operators and brackets");
            return Err((self.line, message));
        }
        Ok(())
    }
}

/// How long the string is that a text begins with.
fn string(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}
