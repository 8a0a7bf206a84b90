pragma ComponentBehavior: Bound
import QtQuick
import Guide

// An amount that arrived as text; figures of one width, so prices stand under each other.
Label {
    strong: true
    elide: Text.ElideNone
    horizontalAlignment: Text.AlignRight
    font.features: Theme.tabular
}
