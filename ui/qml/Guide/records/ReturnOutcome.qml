pragma ComponentBehavior: Bound
import QtQuick
import Guide

// What became of a return, or what is waited for: a sign, the money, a sentence, and two buttons.
Item {
    id: root

    property string glyph: ""
    property bool waiting: false
    // Not over yet: somebody still waits for the money, or has to act.
    property bool unfinished: waiting
    property string amount: ""
    property string title: ""
    property string line: ""
    property string quietText: ""
    property string quietGlyph: ""
    property string mainText: ""
    property string mainGlyph: ""
    property bool quietBusy: false
    property bool mainBusy: false
    signal quiet
    signal main

    Column {
        anchors { left: parent.left; right: parent.right; top: parent.top; topMargin: 8 }
        spacing: 10

        Rectangle {
            anchors.horizontalCenter: parent.horizontalCenter
            width: 76
            height: 76
            radius: 38
            color: root.unfinished ? Theme.warnSoft : Theme.accent

            Icon {
                anchors.centerIn: parent
                name: root.glyph
                size: 40
                colour: root.unfinished ? Theme.warn : Theme.accentInk
            }
        }
        Money {
            anchors.horizontalCenter: parent.horizontalCenter
            text: root.amount
            size: root.waiting ? 36 : 44
            font.weight: Font.Bold
            color: root.unfinished ? Theme.ink : Theme.accentText
            Accessible.role: Accessible.StaticText
            Accessible.name: text
        }
        Label {
            width: parent.width
            horizontalAlignment: Text.AlignHCenter
            text: root.title
            wrapMode: Text.Wrap
            size: Theme.textL
            strong: true
            Accessible.role: Accessible.StaticText
            Accessible.name: text
        }
        Label {
            width: parent.width
            horizontalAlignment: Text.AlignHCenter
            text: root.line
            wrapMode: Text.Wrap
            color: Theme.ink2
            font.features: Theme.tabular
        }
    }
    Row {
        id: after
        anchors.bottom: parent.bottom
        width: parent.width
        spacing: 10

        Button {
            id: first
            big: true
            enabled: !root.quietBusy && !root.mainBusy
            busy: root.quietBusy
            glyph: root.quietGlyph
            text: root.quietText
            onClicked: root.quiet()
        }
        Button {
            width: after.width - first.width - after.spacing
            kind: "primary"
            big: true
            enabled: !root.mainBusy
            busy: root.mainBusy
            glyph: root.mainGlyph
            text: root.mainText
            onClicked: root.main()
        }
    }
}
