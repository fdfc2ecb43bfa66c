//! The item that `#[reconciler]` stands on, as far as the macro looks into it: bodies stay unparsed.

use proc_macro2::{TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Generics, Signature, Token, Type, Visibility, braced, token};

pub enum Item {
    Function(Function),
    Impl(Impl),
}

pub struct Function {
    pub attrs: Vec<Attribute>,
    pub vis: Visibility,
    pub sig: Signature,
}

pub struct Impl {
    pub keyword: Token![impl],
    pub generics: Generics,
    /// Whether it implements a trait.
    pub is_of_trait: bool,
    pub ty: Type,
    pub methods: Vec<Function>,
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let start = input.cursor();
        if input.peek(Token![impl]) || (input.peek(Token![unsafe]) && input.peek2(Token![impl])) {
            return Impl::parse(input).map(Self::Impl);
        }
        let vis: Visibility = input.parse()?;
        match input.parse::<Signature>() {
            Ok(sig) => {
                input.parse::<TokenStream>()?;
                Ok(Self::Function(Function { attrs, vis, sig }))
            }
            Err(error) => {
                let is_function = start.token_stream().into_iter().any(|token| token.to_string() == "fn");
                let rest: TokenStream = input.parse()?;
                if is_function {
                    return Err(error);
                }
                let message = "`#[reconciler]` stands on an `async fn` or on an `impl` block";
                Err(rest.into_iter().next().map_or_else(
                    || syn::Error::new(start.span(), message),
                    |token| syn::Error::new(token.span(), message),
                ))
            }
        }
    }
}

impl Impl {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        input.parse::<Option<Token![unsafe]>>()?;
        let keyword = input.parse()?;
        let generics: Generics = if input.peek(Token![<]) { input.parse()? } else { Generics::default() };
        let mut ty: Type = input.parse()?;
        let is_of_trait = input.parse::<Option<Token![for]>>()?.is_some();
        if is_of_trait {
            ty = input.parse()?;
        }
        while !input.is_empty() && !input.peek(token::Brace) {
            input.parse::<TokenTree>()?;
        }
        let content;
        braced!(content in input);
        let mut methods = Vec::new();
        while !content.is_empty() {
            methods.extend(member(&content)?);
        }
        Ok(Self { keyword, generics, is_of_trait, ty, methods })
    }
}

/// The next method, or nothing for a member of another sort.
fn member(input: ParseStream<'_>) -> syn::Result<Option<Function>> {
    let attrs = input.call(Attribute::parse_outer)?;
    let vis = input.parse()?;
    let ahead = input.fork();
    let Ok(sig) = ahead.parse::<Signature>() else {
        // `const X: u8 = { 1 };`, `type Y = u8;`, `some_macro! { .. }`
        let mut is_macro = false;
        while !input.is_empty() {
            let token: TokenTree = input.parse()?;
            match &token {
                TokenTree::Punct(punct) if punct.as_char() == ';' => break,
                TokenTree::Punct(punct) => is_macro = punct.as_char() == '!',
                TokenTree::Group(group) if is_macro && group.delimiter() == proc_macro2::Delimiter::Brace => break,
                _ => {}
            }
        }
        return Ok(None);
    };
    syn::parse::discouraged::Speculative::advance_to(input, &ahead);
    input.parse::<TokenTree>()?; // the body
    Ok(Some(Function { attrs, vis, sig }))
}
