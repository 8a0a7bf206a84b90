pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// What each way of paying costs, cheapest first and marked; a sentence where nothing is known yet.
Column {
    id: root

    required property FeesVm vm

    spacing: 8

    Label {
        topPadding: 8
        text: Words.t("fee.title")
        size: 13
        strong: true
        color: Theme.ink2
        Accessible.role: Accessible.Heading
        Accessible.name: text
    }
    Card {
        width: parent.width
        height: inside.height + 20

        Column {
            id: inside
            x: 16
            y: 10
            width: parent.width - 32

            Repeater {
                model: root.vm.rows

                Item {
                    id: row

                    required property string key
                    required property string name
                    required property string rate
                    required property bool cheapest

                    width: inside.width
                    height: 36
                    Accessible.role: Accessible.StaticText
                    Accessible.name: row.name + " " + row.rate
                    Accessible.description: cheapest ? mark.text : ""

                    Label {
                        id: way
                        anchors.verticalCenter: parent.verticalCenter
                        width: Math.min(implicitWidth, parent.width - figure.width - mark.width - 24)
                        text: row.name
                        size: 15
                    }
                    Badge {
                        id: mark
                        anchors { left: way.right; leftMargin: 10; verticalCenter: parent.verticalCenter }
                        visible: row.cheapest
                        kind: "good"
                        glyph: "coins"
                        text: Words.t("pay.cheapest_mark")
                    }
                    Label {
                        id: figure
                        anchors { right: parent.right; verticalCenter: parent.verticalCenter }
                        text: row.rate
                        size: 15
                        strong: true
                        font.features: Theme.tabular
                    }
                }
            }
            Label {
                width: parent.width
                topPadding: 2
                bottomPadding: 2
                text: root.vm.note
                size: 13
                color: Theme.ink2
                wrapMode: Text.Wrap
            }
        }
    }
}
