pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// The guide's day at one glance, and how every commission came about.
FocusScope {
    id: root

    required property MySalesVm vm
    readonly property real gap: Theme.gap
    readonly property bool upright: width < 900 && height > width

    focus: true
    Component.onCompleted: vm.load()

    Label {
        id: title
        x: Theme.margin
        y: Theme.margin
        width: parent.width - 2 * x
        text: root.vm.title
        size: Theme.title
        font.weight: Font.Bold
        Accessible.role: Accessible.Heading
        Accessible.name: text
    }
    Label {
        id: basis
        x: Theme.margin
        anchors { top: title.bottom; topMargin: 4 }
        width: parent.width - 2 * x
        text: Words.t("mysales.basis")
        color: Theme.ink2
    }
    Grid {
        id: figures
        x: Theme.margin
        anchors { top: basis.bottom; topMargin: 14 }
        width: parent.width - 2 * x
        spacing: root.gap

        columns: root.upright ? 2 : 4

        readonly property real each: (width - (columns - 1) * spacing) / columns

        FactTile {
            width: figures.each
            figure: true
            glyph: "wallet"
            name: Words.t("mysales.net")
            value: root.vm.net
            detail: root.vm.average
        }
        FactTile {
            width: figures.each
            figure: true
            kind: "good"
            glyph: "hand-coins"
            name: Words.t("mysales.commission")
            value: root.vm.commission
            detail: Words.t("commission.parts")
        }
        FactTile {
            width: figures.each
            figure: true
            glyph: "shirt"
            name: Words.t("mysales.units")
            value: root.vm.units
            detail: root.vm.attach
        }
        FactTile {
            width: figures.each
            figure: true
            glyph: "receipt-text"
            name: Words.t("mysales.sales")
            value: root.vm.sales
        }
    }
    Card {
        id: curve
        x: Theme.margin
        anchors { top: figures.bottom; topMargin: root.gap }
        width: root.upright ? parent.width - 2 * x : Math.floor((parent.width - 2 * x - root.gap) / 2)
        height: Math.floor((parent.height - y - Theme.margin) * (root.upright ? 0.4 : 1))

        Label {
            id: heading
            x: 20
            y: 16
            text: Words.t("mysales.hours")
            size: Theme.textL
            strong: true
        }
        Label {
            anchors { right: parent.right; rightMargin: 20; verticalCenter: heading.verticalCenter }
            text: root.vm.bestHour
            color: Theme.ink2
            font.features: Theme.tabular
        }
        HourCurve {
            anchors { fill: parent; leftMargin: 18; rightMargin: 18; topMargin: 52; bottomMargin: 12 }
            hours: root.vm.hours
        }
    }
    Card {
        x: root.upright ? curve.x : curve.x + curve.width + root.gap
        y: root.upright ? curve.y + curve.height + root.gap : curve.y
        width: parent.width - x - Theme.margin
        height: parent.height - y - Theme.margin

        Label {
            id: entriesHeading
            x: 20
            y: 16
            text: Words.t("mysales.entries")
            size: Theme.textL
            strong: true
        }
        ListView {
            id: entries
            anchors { fill: parent; margins: 14; topMargin: 50 }
            clip: true
            spacing: 8
            boundsBehavior: Flickable.StopAtBounds
            activeFocusOnTab: true
            model: root.vm.entries
            Accessible.role: Accessible.List
            Accessible.name: Words.t("mysales.entries")
            delegate: EntryRow {
                required property string key
                required name
                required at
                required receiptNo
                required sum
                required spoken
                required amount
                required negative

                width: entries.width
            }
        }
        EmptyState {
            anchors.centerIn: parent
            width: parent.width - 60
            visible: root.vm.isEmpty
            glyph: "coins"
            title: Words.t("mysales.empty")
            hint: Words.t("mysales.empty_hint")
        }
    }
}
