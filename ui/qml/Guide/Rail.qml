pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// The left rail: places at the top; network, look, language and the person at the foot.
Rectangle {
    id: root

    required property RootVm vm
    readonly property InboxVm inbox: vm.inbox as InboxVm

    color: Theme.rail

    Column {
        anchors { top: parent.top; left: parent.left; right: parent.right }
        anchors.margins: 8
        anchors.topMargin: Theme.compact ? 12 : 18
        spacing: 6

        Rectangle {
            anchors.horizontalCenter: parent.horizontalCenter
            width: Theme.compact ? 42 : 48
            height: width
            radius: 14
            color: "#0B6B4E"

            Icon {
                anchors.centerIn: parent
                name: "shirt"
                size: 26
                colour: "#FFFFFF"
            }
        }
        Item { width: 1; height: Theme.compact ? 4 : 12 }
        Place { name: "sell"; glyph: "shopping-bag"; text: Words.t("place.sell") }
        Place { name: "history"; glyph: "receipt-text"; text: Words.t("place.history") }
        Place { name: "mysales"; glyph: "chart-column"; text: Words.t("place.my_sales") }
        Place { name: "settings"; glyph: "settings"; text: Words.t("place.settings") }
        RailButton {
            width: parent.width
            glyph: "bell"
            text: Words.t("place.inbox")
            badge: root.inbox.badge
            onClicked: root.inbox.open()
        }
    }

    Column {
        anchors { bottom: parent.bottom; left: parent.left; right: parent.right }
        anchors.margins: 8
        anchors.bottomMargin: Theme.compact ? 10 : 16
        spacing: Theme.compact ? 2 : 6

        RailNetwork {
            width: parent.width
            kind: root.vm.networkKind
            glyph: root.vm.networkGlyph
            text: root.vm.networkText
            onClicked: root.vm.open("network")
        }
        Column {
            width: parent.width
            visible: !Theme.compact

            RailButton {
                width: parent.width
                wordless: true
                glyph: root.vm.dark ? "sun" : "moon"
                text: Words.t(root.vm.dark ? "rail.light" : "rail.dark")
                onClicked: root.vm.setTheme(root.vm.dark ? "light" : "dark")
            }
            RailButton {
                width: parent.width
                wordless: true
                glyph: "languages"
                text: Words.t("rail.language")
                onClicked: root.vm.setLanguage(root.vm.language === "en" ? "zh_CN" : "en")
            }
        }
        RailButton {
            id: me
            anchors.horizontalCenter: parent.horizontalCenter
            width: 56
            height: 56
            wordless: true
            text: Words.t("rail.lock")
            Accessible.description: root.vm.personName
            contentItem: Item {
                Avatar {
                    anchors.centerIn: parent
                    size: Theme.compact ? 40 : 46
                    text: root.vm.personLetters
                    seed: root.vm.personSeed
                }
                Rectangle {
                    anchors { right: parent.right; bottom: parent.bottom; margins: 1 }
                    width: 19
                    height: 19
                    radius: 10
                    color: Theme.rail

                    Icon {
                        anchors.centerIn: parent
                        name: "lock"
                        size: 11
                        colour: Theme.railInk
                    }
                }
            }
            onClicked: root.vm.signOut()
        }
    }

    component Place: RailButton {
        required property string name

        width: parent?.width ?? 0
        chosen: root.vm.place === name
        onClicked: root.vm.go(name)
    }
}
