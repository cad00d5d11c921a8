//! Checks a function and exports its descriptor.

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::{Error, Ident, ItemFn, LitStr, ext::IdentExt as _, parse_macro_input};

/// What a symbol begins with; the same as `gatehouse_plugin_abi::FUNCTION_PREFIX`, which a macro crate cannot name.
const PREFIX: &str = "gatehouse_function_";

/// Which attribute it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attribute {
    Endpoint,
    RequestHook,
    Auth,
    ResponseHook,
    Analytics,
}

impl Attribute {
    /// The name of its number in `numbers::kind`.
    fn kind(self) -> Tokens {
        match self {
            Self::Endpoint | Self::RequestHook => quote!(REQUEST),
            Self::Auth => quote!(AUTH),
            Self::ResponseHook => quote!(RESPONSE),
            Self::Analytics => quote!(ANALYTICS),
        }
    }

    fn arguments(self) -> &'static str {
        match self {
            Self::Endpoint | Self::RequestHook | Self::Auth => "(request: &mut Request, context: &Context)",
            Self::ResponseHook => "(response: &mut UpstreamResponse, request: &Request, context: &Context)",
            Self::Analytics => "(record: &mut Record, context: &Context)",
        }
    }

    fn argument_count(self) -> usize {
        if self == Self::ResponseHook { 3 } else { 2 }
    }

    /// Takes the arguments, calls the function and makes a decision of what it returns.
    fn call(self, function: &Ident, waits: bool) -> Tokens {
        let wait = waits.then(|| quote!(.await));
        let wrong = quote!(return ::std::result::Result::Err(expanded::WRONG_KIND.to_owned()));
        match self {
            Self::Endpoint | Self::RequestHook => quote! {
                let ::std::option::Option::Some(request) = arguments.request else { #wrong };
                expanded::from_outcome(#function(request, arguments.context) #wait)
            },
            Self::Auth => quote! {
                let ::std::option::Option::Some(request) = arguments.request else { #wrong };
                expanded::from_verdict(#function(request, arguments.context) #wait)
            },
            Self::ResponseHook => quote! {
                let ::std::option::Option::Some(request) = arguments.request else { #wrong };
                let ::std::option::Option::Some(response) = arguments.response else { #wrong };
                expanded::from_result(#function(response, &*request, arguments.context) #wait)
            },
            Self::Analytics if waits => quote! {
                let context = arguments.context;
                let hook = async move |record: &mut ::gatehouse_plugin::Record| #function(record, context).await;
                expanded::record_async(context, hook).await.and_then(expanded::from_result)
            },
            Self::Analytics => quote! {
                let context = arguments.context;
                expanded::record(context, |record| #function(record, context)).and_then(expanded::from_result)
            },
        }
    }
}

/// What stands in the parentheses of an attribute.
#[derive(Default)]
struct Options {
    name: Option<LitStr>,
    blocking: bool,
    no_body: bool,
}

pub(crate) fn expand(attribute: Attribute, options: TokenStream, item: TokenStream) -> TokenStream {
    let mut read = Options::default();
    let parser = syn::meta::parser(|meta| {
        if meta.path.is_ident("name") {
            read.name = Some(meta.value()?.parse()?);
        } else if meta.path.is_ident("blocking") {
            read.blocking = true;
        } else if meta.path.is_ident("no_body") && attribute != Attribute::Analytics {
            read.no_body = true;
        } else {
            return Err(meta.error("expected `blocking`, `no_body` or `name = \"…\"`"));
        }
        Ok(())
    });
    parse_macro_input!(options with parser);
    let function = parse_macro_input!(item as ItemFn);
    // The function stays, so that an error of the attribute does not bring errors wherever it is named.
    let exported = check(attribute, &read, &function)
        .map_or_else(|error| error.to_compile_error(), |name| export(attribute, &read, &function, &name));
    quote!(#function #exported).into()
}

/// Checks what an author may get wrong; gives the name to export.
fn check(attribute: Attribute, options: &Options, function: &ItemFn) -> Result<String, Error> {
    let signature = &function.sig;
    if signature.inputs.len() != attribute.argument_count() {
        return Err(Error::new_spanned(
            &signature.inputs,
            format!("the arguments here are {}", attribute.arguments()),
        ));
    }
    if signature.generics.type_params().next().is_some() || signature.generics.const_params().next().is_some()
    {
        return Err(Error::new_spanned(&signature.generics, "an exported function cannot be generic"));
    }
    if let (true, Some(asyncness)) = (options.blocking, &signature.asyncness) {
        return Err(Error::new_spanned(
            asyncness,
            "`blocking` is for functions that are not async: an async one never blocks its thread",
        ));
    }
    let name = match &options.name {
        Some(name) => name.value(),
        None => signature.ident.unraw().to_string(),
    };
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        let message = "the name becomes a symbol: letters, digits and underscores only";
        return Err(match &options.name {
            Some(name) => Error::new_spanned(name, message),
            None => Error::new_spanned(&signature.ident, message),
        });
    }
    Ok(name)
}

fn export(attribute: Attribute, options: &Options, function: &ItemFn, name: &str) -> Tokens {
    let symbol = format!("{PREFIX}{name}");
    let kind = attribute.kind();
    let waits = function.sig.asyncness.is_some();
    let call = attribute.call(&function.sig.ident, waits);
    let configured = function.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    let result = quote!(::std::result::Result<expanded::Decision, ::std::string::String>);
    let (implementation, constructor) = if waits {
        let run = quote! {
            impl expanded::AsyncFunction for Function {
                async fn run(arguments: expanded::Arguments<'_>) -> #result { #call }
            }
        };
        (run, quote!(asynchronous))
    } else {
        let run = quote! {
            impl expanded::SyncFunction for Function {
                fn run(arguments: expanded::Arguments<'_>) -> #result { #call }
            }
        };
        (run, if options.blocking { quote!(blocking) } else { quote!(sync) })
    };
    let flags = if options.no_body { quote!(expanded::flag::NO_BODY) } else { quote!(0) };
    quote! {
        #(#configured)*
        const _: () = {
            use ::gatehouse_plugin::expanded;

            struct Function;

            #implementation

            #[unsafe(export_name = #symbol)]
            static DESCRIPTOR: expanded::Exported =
                expanded::Exported::#constructor::<Function>(expanded::About {
                    kind: expanded::kind::#kind,
                    flags: #flags,
                    line: ::core::line!(),
                    name: #name,
                    file: ::core::file!(),
                    package: ::core::env!("CARGO_PKG_NAME"),
                    version: ::core::env!("CARGO_PKG_VERSION"),
                });
        };
    }
}
