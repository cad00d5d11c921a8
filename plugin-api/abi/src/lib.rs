//! What crosses the boundary between the gateway and a plugin: `#[repr(C)]` data and tables of functions.
//!
//! Nothing here runs; `gatehouse-plugin` gives it meaning on both sides. A crate of its own, because its version is
//! part of the layout check and must not move with the product's. Start at [`Call`] and [`PluginHeader`].

mod future;
mod header;
mod layout;
pub mod numbers;
mod outbound;
pub mod tables;
mod values;

pub use self::{
    future::{ForeignFuture, ForeignWaker, WakerTable},
    header::{
        ABI_MAJOR, ABI_MINOR, FUNCTION_PREFIX, HEADER_SYMBOL, HEADER_TEXTS, INIT_SYMBOL, LAYOUT_FORMAT,
        MAGIC, PluginHeader, padded, unpadded,
    },
    layout::{Layout, LayoutDifference, layout, layout_difference},
    outbound::{OutboundAnswer, OutboundCall, StorageAnswer, StorageCall},
    tables::{
        Call, ContextTable, ContextTable_Ref, Descriptor, HeaderTable, HeaderTable_Ref, InitAnswer,
        InitDescriptor, KeptValue, MessageView, RequestParts, RequestTable, RequestTable_Ref, RequestView,
        ResponseTable, ResponseTable_Ref, ResponseView,
    },
    values::{Buffer, Pair, Slice},
};

/// Makes the value of a table into the pointer that crosses; for the statics of a host.
pub use abi_stable::prefix_type::WithMetadata;
