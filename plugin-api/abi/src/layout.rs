//! The check that both sides see the same types. The only place that knows abi_stable by name, apart from derives.

use abi_stable::{
    StableAbi, abi_stability::abi_checking::check_layout_compatibility, type_layout::TypeLayout,
};

use crate::tables::{Call, Descriptor, InitDescriptor};

/// A description of all types that cross.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Layout(&'static TypeLayout);

/// Reaches every type of this crate.
#[repr(C)]
#[derive(StableAbi)]
struct Boundary {
    call: *const Call,
    descriptor: Descriptor,
    init: InitDescriptor,
}

/// This side's description.
pub extern "C" fn layout() -> Layout {
    Layout(<Boundary as StableAbi>::LAYOUT)
}

/// Two sides that do not see the same types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutDifference {
    /// The last of what may be hundreds of lines: the innermost difference.
    pub last_block: String,
}

/// Compares a plugin's types with those of this side; `None` when they agree.
pub fn layout_difference(plugin: Layout) -> Option<LayoutDifference> {
    match check_layout_compatibility(plugin.0, layout().0) {
        Ok(()) => None,
        Err(differences) => Some(LayoutDifference { last_block: last_block(&differences.to_string()) }),
    }
}

/// abi_stable ends a report with the difference that is at the root of the others.
fn last_block(report: &str) -> String {
    const MARKER: &str = "\nError:";
    const LINES: usize = 12;
    let start = report.rfind(MARKER).map_or(0, |at| at + 1);
    let lines = report[start..].lines().map(str::trim_end).filter(|line| !line.trim().is_empty());
    // The plugin is what is expected of the gateway: in the report's words nobody could tell which is which.
    let lines = lines.map(|line| match line {
        "Expected:" => "the plugin has:",
        "Found:" => "the gateway has:",
        line => line,
    });
    lines.take(LINES).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use abi_stable::StableAbi;

    use super::{Layout, last_block, layout, layout_difference};

    /// Names and package are the real ones' so that only the fields differ.
    #[repr(C)]
    #[derive(StableAbi)]
    struct Boundary {
        call: u64,
    }

    #[test]
    fn this_side_agrees_with_itself() {
        assert_eq!(layout_difference(layout()), None);
    }

    #[test]
    fn a_difference_is_shown_in_a_few_lines() {
        let other = Layout(<Boundary as StableAbi>::LAYOUT);
        let Some(difference) = layout_difference(other) else { panic!("the layouts differ") };
        let text = difference.last_block;
        assert_eq!(
            text,
            "Error:mismatched type\nthe plugin has:\n    u64\nthe gateway has:\n    *const Call"
        );
    }

    #[test]
    fn a_report_without_blocks_is_kept() {
        assert_eq!(last_block("something else\n\n"), "something else");
    }
}
