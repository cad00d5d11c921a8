//! Checks and exports the function that makes a plugin's state.

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::{Error, ItemFn, ReturnType, Type, parse_macro_input};

pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let options = Tokens::from(options);
    let function = parse_macro_input!(item as ItemFn);
    let signature = &function.sig;
    let wrong = if !options.is_empty() {
        Some(Error::new_spanned(options, "#[init] takes no options"))
    } else if !signature.inputs.is_empty() || signature.asyncness.is_some() {
        Some(Error::new_spanned(signature, "#[init] is for `fn() -> State` and `fn() -> Result<State, E>`"))
    } else {
        None
    };
    let exported = wrong.map_or_else(|| export(&function), |error| error.to_compile_error());
    quote!(#function #exported).into()
}

fn export(function: &ItemFn) -> Tokens {
    let name = &function.sig.ident;
    let make =
        if returns_result(&function.sig.output) { quote!(from_state_result) } else { quote!(from_state) };
    quote! {
        const _: () = {
            use ::gatehouse_plugin::expanded;

            struct Start;

            impl expanded::Init for Start {
                fn run() -> ::std::result::Result<expanded::Made, ::std::string::String> {
                    expanded::#make(#name())
                }
            }

            #[unsafe(export_name = "gatehouse_plugin_init")]
            static DESCRIPTOR: expanded::ExportedInit = expanded::ExportedInit::new::<Start>();
        };
    }
}

/// By name, because a macro sees no types: `Result`, whatever it is an alias of.
fn returns_result(output: &ReturnType) -> bool {
    let ReturnType::Type(_, returned) = output else { return false };
    let Type::Path(path) = &**returned else { return false };
    path.path.segments.last().is_some_and(|segment| segment.ident == "Result")
}
