pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Templates as T
import Guide
import Guide.Model

// How the till speaks and looks, what it is, how its data is protected, and the way out.
FocusScope {
    id: root

    required property SettingsVm vm
    readonly property FeesVm fees: vm.fees as FeesVm

    focus: true
    Component.onCompleted: vm.load()

    Flickable {
        anchors.fill: parent
        contentHeight: page.height + 2 * Theme.margin
        boundsBehavior: Flickable.StopAtBounds
        clip: true

        Row {
            id: page
            x: Theme.margin
            y: Theme.margin
            width: parent.width - 2 * x
            spacing: Theme.margin + 6

            Column {
                id: choices
                width: Math.floor((page.width - page.spacing) * 0.5)
                spacing: 12

                Label {
                    width: parent.width
                    text: Words.t("settings.title")
                    size: Theme.title
                    font.weight: Font.Bold
                    Accessible.role: Accessible.Heading
                    Accessible.name: text
                }
                Caption { text: Words.t("settings.language") }
                Row {
                    width: parent.width
                    spacing: 10

                    Choice {
                        glyph: "languages"
                        text: Words.t("settings.language.zh_CN")
                        chosen: root.vm.language === "zh_CN"
                        onClicked: root.vm.setLanguage("zh_CN")
                    }
                    Choice {
                        glyph: "languages"
                        text: Words.t("settings.language.en")
                        chosen: root.vm.language === "en"
                        onClicked: root.vm.setLanguage("en")
                    }
                }
                Caption { text: Words.t("settings.theme") }
                Row {
                    width: parent.width
                    spacing: 10

                    Choice {
                        glyph: "sun"
                        text: Words.t("settings.theme.light")
                        chosen: !root.vm.isDark
                        onClicked: root.vm.setDark(false)
                    }
                    Choice {
                        glyph: "moon"
                        text: Words.t("settings.theme.dark")
                        chosen: root.vm.isDark
                        onClicked: root.vm.setDark(true)
                    }
                }
                SwitchRow {
                    width: parent.width
                    text: Words.t("settings.motion")
                    detail: Words.t("settings.motion_hint")
                    on: root.vm.reduceMotion
                    onClicked: root.vm.setReduceMotion(!on)
                }
                Caption { text: Words.t("settings.person") }
                Card {
                    width: parent.width
                    height: 76

                    Avatar {
                        id: face
                        x: 14
                        anchors.verticalCenter: parent.verticalCenter
                        text: root.vm.personLetters
                        seed: root.vm.personSeed
                    }
                    Column {
                        x: 72
                        anchors.verticalCenter: parent.verticalCenter
                        width: parent.width - x - leave.width - 26
                        spacing: 2

                        Label { width: parent.width; text: root.vm.personName; size: Theme.textL; strong: true }
                        Label { width: parent.width; text: root.vm.personRole; size: 13; color: Theme.ink2 }
                    }
                    Button {
                        id: leave
                        anchors { right: parent.right; rightMargin: 14; verticalCenter: parent.verticalCenter }
                        glyph: "log-out"
                        text: Words.t("settings.sign_out")
                        onClicked: root.vm.signOut()
                    }
                }
                FeeList {
                    width: parent.width
                    visible: root.fees.isShown
                    vm: root.fees
                }
            }
            Column {
                width: page.width - choices.width - page.spacing
                spacing: 10

                Label {
                    width: parent.width
                    text: Words.t("settings.device")
                    size: Theme.title
                    font.weight: Font.Bold
                }
                Item { width: 1; height: 2 }
                Repeater {
                    model: root.vm.device

                    FactTile {
                        required property string key
                        required name
                        required value
                        required detail
                        required kind
                        required glyph

                        width: parent?.width ?? 0
                    }
                }
            }
        }
    }

    component Caption: Label {
        topPadding: 8
        size: 13
        strong: true
        color: Theme.ink2
    }
    component Choice: Chip {
        width: (choices.width - 10) / 2
        implicitHeight: Theme.touch + 4
        Accessible.role: Accessible.RadioButton
    }
    component SwitchRow: T.Button {
        id: row

        property string detail: ""
        property bool on: false

        implicitHeight: 68
        focusPolicy: Qt.TabFocus
        Accessible.role: Accessible.CheckBox
        Accessible.name: text
        Accessible.description: detail
        Accessible.checkable: true
        Accessible.checked: on

        contentItem: Item {
            Column {
                x: 16
                anchors.verticalCenter: parent.verticalCenter
                width: parent.width - 100
                spacing: 2

                Label { width: parent.width; text: row.text; size: 15; strong: true }
                Label { width: parent.width; text: row.detail; size: 13; color: Theme.ink2 }
            }
            Rectangle {
                anchors { right: parent.right; rightMargin: 16; verticalCenter: parent.verticalCenter }
                width: 56
                height: 32
                radius: 16
                color: row.on ? Theme.accent : Theme.lineStrong

                Rectangle {
                    x: row.on ? parent.width - width - 4 : 4
                    y: 4
                    width: 24
                    height: 24
                    radius: 12
                    color: row.on ? Theme.accentInk : Theme.surface

                    Behavior on x { NumberAnimation { duration: Theme.fast } }
                }
            }
        }
        background: Rectangle {
            radius: Theme.radius
            color: row.down ? Theme.pressed : Theme.surface
            border.width: row.visualFocus ? 2 : 1
            border.color: row.visualFocus ? Theme.accent : Theme.line
        }
    }
}
