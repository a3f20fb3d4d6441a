//! What a handler's argument and answer types say of an operation, for the OpenAPI document.

use std::collections::BTreeMap;

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{
    Content, ContentBuilder, HeaderBuilder, Ref, RefOr, Required, ResponseBuilder, Schema,
};
use utoipa::{PartialSchema, ToSchema};

use super::failure::Problem;

/// An operation in the making.
#[derive(Default)]
pub(super) struct Sketch {
    /// The action that its context is typed by.
    pub(super) action: Option<&'static str>,
    /// Whether it needs a credential.
    pub(super) secured: bool,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<utoipa::openapi::request_body::RequestBody>,
    pub(super) responses: BTreeMap<u16, ResponseBuilder>,
    pub(super) schemas: Vec<(String, RefOr<Schema>)>,
}

/// What a type says of an operation.
pub(super) trait Describe {
    /// Adds it.
    fn describe(sketch: &mut Sketch);
}

impl Sketch {
    /// A reference to a type's schema, which is added to the document.
    pub(super) fn schema<T: ToSchema>(&mut self) -> RefOr<Schema> {
        let name = T::name().into_owned();
        self.schemas.push((name.clone(), T::schema()));
        T::schemas(&mut self.schemas);
        Ref::from_schema_name(name).into()
    }

    /// A parameter of the path.
    pub(super) fn path(&mut self, name: &str, description: &str, schema: RefOr<Schema>) {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some(description))
            .schema(Some(schema));
        self.parameters.push(parameter.build());
    }

    /// A header of the request.
    pub(super) fn header(&mut self, name: &str, description: &str, required: Required) {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(required)
            .description(Some(description))
            .schema(Some(String::schema()));
        self.parameters.push(parameter.build());
    }

    /// A JSON body.
    pub(super) fn json_body(&mut self, schema: RefOr<Schema>) {
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let body = RequestBodyBuilder::new()
            .content("application/json", content)
            .required(Some(Required::True));
        self.body = Some(body.build());
        self.problems(&[
            (400, "The body is not JSON, or nests too deep"),
            (408, "The body did not come in time"),
            (413, "The body is too long"),
            (415, "The body is not JSON, or is compressed"),
            (422, "Some fields cannot be accepted"),
        ]);
    }

    /// A form, besides the JSON body.
    pub(super) fn form_body(&mut self, schema: RefOr<Schema>) {
        let content = ContentBuilder::new().schema(Some(schema)).build();
        if let Some(body) = &mut self.body {
            let content = RefOr::T(content);
            body.content.insert("application/x-www-form-urlencoded".to_owned(), content);
        }
    }

    /// An answer.
    pub(super) fn answer(
        &mut self,
        status: u16,
        description: &str,
        content: Option<(&str, Content)>,
    ) {
        let mut response = ResponseBuilder::new().description(description);
        if let Some((media_type, content)) = content {
            response = response.content(media_type, content);
        }
        self.responses.insert(status, response);
    }

    /// The same answer in another media type.
    pub(super) fn also(&mut self, status: u16, media_type: &str, content: Content) {
        if let Some(response) = self.responses.remove(&status) {
            self.responses.insert(status, response.content(media_type, content));
        }
    }

    /// An answer with a JSON body.
    pub(super) fn json(&mut self, status: u16, description: &str, schema: RefOr<Schema>) {
        let content = ContentBuilder::new().schema(Some(schema)).build();
        self.answer(status, description, Some(("application/json", content)));
    }

    /// A header of an answer.
    pub(super) fn answer_header(&mut self, status: u16, name: &str, description: &str) {
        let header = HeaderBuilder::new()
            .schema(Some(String::schema()))
            .description(Some(description))
            .build();
        if let Some(response) = self.responses.remove(&status) {
            self.responses.insert(status, response.header(name, header));
        }
    }

    /// Problem documents.
    pub(super) fn problems(&mut self, problems: &[(u16, &str)]) {
        let schema = self.schema::<Problem>();
        for (status, description) in problems {
            let content = ContentBuilder::new().schema(Some(schema.clone())).build();
            self.answer(*status, description, Some(("application/problem+json", content)));
        }
    }
}

macro_rules! tuples {
    ($(($($name:ident),*))+) => {$(
        impl<$($name: Describe),*> Describe for ($($name,)*) {
            fn describe(_sketch: &mut Sketch) {
                $($name::describe(_sketch);)*
            }
        }
    )+};
}
tuples! { () (A) (A, B) (A, B, C) (A, B, C, D) (A, B, C, D, E) }

impl<T: Describe, E> Describe for Result<T, E> {
    fn describe(sketch: &mut Sketch) {
        T::describe(sketch);
    }
}

/// A request says nothing of an operation.
impl Describe for actix_web::HttpRequest {
    fn describe(_: &mut Sketch) {}
}

/// What every request can reach says nothing of an operation.
impl Describe for actix_web::web::Data<super::state::State> {
    fn describe(_: &mut Sketch) {}
}
