//! Several questions at once, answered in one transaction. All are answered within the budget of one request, or none
//! is: an answer without some of its items would pass for another one.

use super::hearing::Hearing;
use super::{Ask, Question};
use crate::domain::action::TenantPlane;
use crate::domain::{
    Action, Evaluation, Evaluations, EvaluationsAnswer, Inquiry, PageRequest, Result,
};
use crate::storage::tenant::access;

/// Questions that are answered on the thread that asks; more of them take long.
const FEW: usize = 20;

impl Question for Inquiry {
    type Answer = EvaluationsAnswer;

    fn subjects(&self) -> Vec<Ask<'_>> {
        match self {
            Self::One(question) => question.subjects(),
            Self::Many(questions, _) => questions.iter().flatten().map(Ask::of).collect(),
        }
    }

    fn answer<A: Action<Plane = TenantPlane>>(
        &self,
        hearing: &Hearing<'_, '_, A>,
        _: &PageRequest,
    ) -> Result<EvaluationsAnswer> {
        let (questions, semantic) = match self {
            Self::One(question) => {
                return hearing.evaluate(question.parts()).map(EvaluationsAnswer::One);
            }
            Self::Many(questions, semantic) => (questions, semantic),
        };
        if questions.len() > FEW {
            access::take_time(hearing.tx)?;
        }
        let mut evaluations = Vec::with_capacity(questions.len());
        for question in questions.iter() {
            access::check_budget(hearing.tx)?;
            let answer = match question {
                Some(question) => hearing.evaluate(question)?,
                None => Evaluation::plain(false),
            };
            access::note_answer(hearing.tx);
            let is_last = semantic.ends_with(answer.decision);
            evaluations.push(answer);
            if is_last {
                break;
            }
        }
        Ok(EvaluationsAnswer::Many(Evaluations { evaluations }))
    }
}
