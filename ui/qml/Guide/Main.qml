pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Window
import Guide
import Guide.Model

// The window: rail, place, sheets over it, toast. Screens are loaded when they are first needed.
Window {
    id: root

    required property RootVm vm
    readonly property bool signedIn: vm.place !== "signin"

    width: 1280
    height: 800
    minimumWidth: 800
    minimumHeight: 560
    title: Words.t("app.name") + " · " + vm.storeName
    color: Theme.bg

    Binding { target: Theme; property: "dark"; value: root.vm.dark }
    Binding { target: Theme; property: "reduceMotion"; value: root.vm.reduceMotion }
    Binding {
        target: Theme
        property: "compact"
        value: root.width < 1180 || root.height < 700
    }

    // Asked when it matters: a binding may still tell of the moment before.
    function covered(): bool {
        return ["pay", "done", "network", "inbox", "return"].includes(vm.sheet);
    }

    Rail {
        id: rail
        height: root.height
        width: root.signedIn ? Theme.railWidth : 0
        visible: root.signedIn
        vm: root.vm
    }

    FocusScope {
        id: stage
        x: rail.width
        width: root.width - x
        height: root.height
        focus: true

        Spot {
            name: "signin"
            address: "screens/SignInScreen.qml"
            given: ({ "vm": root.vm.session, "shell": root.vm })
        }
        Spot {
            name: "sell"
            address: "screens/SellScreen.qml"
            given: ({ "vm": root.vm })
            keep: true
        }
        Spot {
            name: "history"
            address: "screens/HistoryScreen.qml"
            given: ({ "vm": root.vm.history, "inbox": root.vm.inbox })
        }
        Spot {
            name: "mysales"
            address: "screens/MySalesScreen.qml"
            given: ({ "vm": root.vm.mySales })
        }
        Spot {
            name: "settings"
            address: "screens/SettingsScreen.qml"
            given: ({ "vm": root.vm.settings })
        }
    }

    Over {
        name: "pay"
        address: "screens/PayScreen.qml"
        given: ({ "vm": root.vm.pay })
    }
    Over {
        name: "done"
        address: "screens/DoneScreen.qml"
        given: ({ "vm": root.vm.done })
    }
    Over {
        name: "network"
        address: "screens/NetworkSheet.qml"
        given: ({ "vm": root.vm.network })
    }
    Paper {
        name: "inbox"
        address: "screens/InboxSheet.qml"
        given: ({ "vm": root.vm.inbox })
    }
    Paper {
        name: "return"
        address: "screens/ReturnSheet.qml"
        given: ({ "vm": root.vm.returns })
    }

    // Over any place and any sheet: what it reads goes to whatever lies below it.
    Loader {
        readonly property CameraVm camera: root.vm.camera as CameraVm

        active: camera?.isOpen ?? false
        sourceComponent: CameraSheet {
            vm: root.vm.camera as CameraVm
        }
        onActiveChanged: if (!active && !root.covered()) stage.forceActiveFocus();
    }

    Toast {
        anchors { horizontalCenter: stage.horizontalCenter; top: parent.top; topMargin: 18 }
        z: 1000
        text: root.vm.toast
        kind: root.vm.toastKind
        serial: root.vm.toastSerial
    }

    // A place: loaded on the first visit; the sell screen stays, the others go when left.
    component Spot: Loader {
        id: spot

        required property string name
        required property string address
        required property var given
        property bool keep: false
        readonly property bool here: root.vm.place === name

        anchors.fill: parent
        visible: here
        focus: here
        onHereChanged: if (here) enter(); else if (!keep) source = "";
        Component.onCompleted: if (here) enter()

        function enter(): void {
            if (source.toString() === "")
                setSource(Qt.resolvedUrl(address), given);
            forceActiveFocus();
        }
    }

    // A sheet of paper over any place; as a popup it takes and keeps the focus by itself.
    component Paper: Loader {
        required property string name
        required property string address
        required property var given
        readonly property bool here: root.vm.sheet === name

        onHereChanged: {
            if (here)
                return setSource(Qt.resolvedUrl(address), given);
            source = "";
            if (!root.covered())
                stage.forceActiveFocus();
        }
    }

    // A sheet that covers everything.
    component Over: Loader {
        required property string name
        required property string address
        required property var given
        readonly property bool here: root.vm.sheet === name

        anchors.fill: parent
        visible: here
        focus: here
        z: 100
        onHereChanged: {
            if (here) {
                setSource(Qt.resolvedUrl(address), given);
                forceActiveFocus();
            } else {
                source = "";
                // Of two sheets that follow each other the one that comes keeps the focus.
                if (!root.covered())
                    stage.forceActiveFocus();
            }
        }
    }
}
