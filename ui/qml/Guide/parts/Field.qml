pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Templates as T
import Guide

// One line of text with a label inside it and, when the rule says no, a sentence under it.
T.TextField {
    id: root

    property string glyph: ""
    property string problem: ""
    property string name: placeholderText

    implicitHeight: Theme.touch + 2
    implicitWidth: 220
    leftPadding: glyph ? 46 : 16
    rightPadding: 16
    verticalAlignment: TextInput.AlignVCenter
    color: Theme.ink
    selectionColor: Theme.accent
    selectedTextColor: Theme.accentInk
    placeholderTextColor: Theme.ink3
    font.pixelSize: Theme.textL
    selectByMouse: true
    activeFocusOnTab: true
    Accessible.name: name
    Accessible.role: Accessible.EditableText

    Label {
        x: root.leftPadding
        width: root.width - x - root.rightPadding
        height: root.height
        visible: root.text === "" && root.preeditText === ""
        text: root.placeholderText
        size: 15
        color: Theme.ink3
    }
    Icon {
        x: 16
        anchors.verticalCenter: parent.verticalCenter
        visible: root.glyph !== ""
        name: root.glyph
        size: 19
        colour: root.activeFocus ? Theme.accentText : Theme.ink3
    }
    background: Rectangle {
        radius: Theme.radiusSmall
        color: Theme.surface
        border.width: root.activeFocus || root.problem ? 2 : 1
        border.color: root.problem ? Theme.danger : root.activeFocus ? Theme.accent : Theme.line
    }
    Label {
        y: root.height + 4
        x: 2
        visible: root.problem !== ""
        text: root.problem
        size: 13
        color: Theme.danger
    }
}
