pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// Who is on the floor: faces first, then the PIN of the face that was tapped.
FocusScope {
    id: root

    required property SessionVm vm
    required property RootVm shell
    readonly property bool asking: vm.chosen !== ""

    focus: true
    // A face chosen by key keeps the focus while it is hidden, and Enter would choose it again.
    onAskingChanged: pad.forceActiveFocus()
    Keys.onPressed: event => {
        if (!root.asking)
            return;
        if (event.key === Qt.Key_Backspace)
            root.vm.erase();
        else if (event.key === Qt.Key_Return || event.key === Qt.Key_Enter)
            root.vm.submit();
        else if (event.key === Qt.Key_Escape)
            root.vm.back();
        else if (event.text >= "0" && event.text <= "9")
            root.vm.digit(event.text);
        else
            return;
        event.accepted = true;
    }

    Row {
        id: corner
        anchors { right: parent.right; top: parent.top; margins: Theme.margin }
        spacing: 10

        Button {
            kind: "quiet"
            glyph: "languages"
            text: root.shell.language === "en" ? "中文" : "English"
            onClicked: root.shell.setLanguage(root.shell.language === "en" ? "zh_CN" : "en")
        }
        IconButton {
            glyph: root.shell.dark ? "sun" : "moon"
            text: Words.t(root.shell.dark ? "rail.light" : "rail.dark")
            onClicked: root.shell.setTheme(root.shell.dark ? "light" : "dark")
        }
    }
    Row {
        anchors { left: parent.left; top: parent.top; margins: Theme.margin }
        spacing: 12

        Rectangle {
            width: 44
            height: 44
            radius: 13
            color: "#0B6B4E"

            Icon { anchors.centerIn: parent; name: "shirt"; size: 24; colour: "#FFFFFF" }
        }
        Column {
            anchors.verticalCenter: parent.verticalCenter
            Label { text: Words.t("app.name"); size: 17; font.weight: Font.Bold }
            Label { text: root.shell.storeName; size: 13; color: Theme.ink2 }
        }
    }

    Column {
        id: heading
        anchors.horizontalCenter: parent.horizontalCenter
        y: Math.max(84, root.height * 0.13)
        visible: !root.asking
        spacing: 6

        Label {
            anchors.horizontalCenter: parent.horizontalCenter
            text: Words.t("signin.title")
            size: Theme.compact ? 26 : 32
            font.weight: Font.Bold
        }
        Label {
            anchors.horizontalCenter: parent.horizontalCenter
            text: Words.t("signin.hint")
            size: Theme.textL
            color: Theme.ink2
        }
    }

    GridView {
        id: faces
        readonly property int across: Math.max(3, Math.min(
            count > 12 ? 6 : count > 8 ? 5 : 4, Math.floor((root.width - 64) / 168)))
        visible: !root.asking && count > 0
        anchors { top: heading.bottom; topMargin: Theme.compact ? 20 : 34; bottom: parent.bottom }
        anchors.horizontalCenter: parent.horizontalCenter
        width: across * cellWidth
        cellWidth: Theme.compact ? 152 : 176
        cellHeight: Theme.compact ? 150 : 176
        clip: true
        boundsBehavior: Flickable.StopAtBounds
        model: root.vm.people
        delegate: PersonTile {
            width: faces.cellWidth
            height: faces.cellHeight
            onClicked: root.vm.choose(personId)
        }
    }
    EmptyState {
        anchors.centerIn: parent
        width: 360
        visible: faces.count === 0
        glyph: "users"
        title: Words.t("signin.nobody")
        hint: Words.t("signin.nobody_hint")
    }

    PinPad {
        id: pad
        anchors.centerIn: parent
        anchors.verticalCenterOffset: Theme.compact ? 14 : 10
        visible: root.asking
        vm: root.vm
    }
}
