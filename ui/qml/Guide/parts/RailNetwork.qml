pragma ComponentBehavior: Bound
import QtQuick
import Guide

// The sync chip: what works now, in one glyph and one word. A tap opens the table.
RailButton {
    id: root

    property string kind: "good"

    mark: kind === "good" ? Theme.railAccent : kind === "busy" ? Theme.railInk : "#F4B45F"
}
