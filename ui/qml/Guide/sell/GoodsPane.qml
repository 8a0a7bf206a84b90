pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// Search, categories and tiles.
FocusScope {
    id: root

    required property GoodsVm vm
    required property RootVm shell
    signal tapped(string styleNo)
    signal escaped
    signal payAsked
    signal undoAsked

    // Who held the focus in here lets go of it, or it would come back to them at once.
    onEscaped: {
        search.focus = false;
        grid.focus = false;
    }

    readonly property int across: Math.max(2, Math.floor(
        (grid.width + Theme.gap) / ((Theme.compact ? 158 : 172) + Theme.gap)))
    readonly property int rowsSeen: Math.ceil(grid.height / Math.max(1, grid.cellHeight)) + 1

    onAcrossChanged: tellPage()
    onRowsSeenChanged: tellPage()

    function tellPage(): void {
        if (grid.height > 0)
            root.vm.setPage(root.across * root.rowsSeen);
    }

    function find(): void {
        search.forceActiveFocus();
        search.selectAll();
    }

    function leave(): void {
        if (search.text !== "")
            search.clear();
        root.escaped();
    }

    // A letter typed anywhere begins a search; digits stay with the scanner and the keys.
    function jump(event: KeyEvent): void {
        if (event.modifiers & (Qt.ControlModifier | Qt.AltModifier) || !/^[A-Za-z]$/.test(event.text))
            return;
        search.forceActiveFocus();
        search.insert(search.length, event.text);
        event.accepted = true;
    }

    Item {
        id: head
        x: Theme.margin
        width: parent.width - 2 * Theme.margin
        y: Theme.compact ? 12 : 18
        height: 50

        Column {
            anchors.verticalCenter: parent.verticalCenter
            width: Math.min(search.x - 16, 260)
            visible: search.x > 120
            spacing: 2

            Label {
                width: parent.width
                text: root.shell.storeName
                size: Theme.title
                font.weight: Font.Bold
            }
            Label {
                width: parent.width
                text: root.shell.personName
                size: 13
                color: Theme.ink2
            }
        }
        SearchField {
            id: search
            anchors { right: parent.right; rightMargin: eye.visible ? eye.width + 8 : 0 }
            width: Math.min(Theme.compact ? 330 : 420, parent.width - (parent.width > 520 ? 190 : 0))
                - anchors.rightMargin
            height: parent.height
            placeholderText: Words.t("sell.search")
            clearName: Words.t("sell.search_clear")
            onTextChanged: root.vm.search(text)
            Keys.onEscapePressed: root.leave()
            Keys.onReturnPressed: root.enter()
            Keys.onEnterPressed: root.enter()
            Keys.onDownPressed: grid.forceActiveFocus()
            Keys.onPressed: event => {
                if (event.key === Qt.Key_F8) {
                    root.payAsked();
                    event.accepted = true;
                }
            }
        }
        IconButton {
            id: eye

            readonly property CameraVm camera: root.shell.camera as CameraVm

            anchors { right: parent.right; verticalCenter: parent.verticalCenter }
            visible: camera?.isAvailable ?? false
            text: Words.t("camera.open")
            glyph: "scan-barcode"
            glyphSize: 22
            implicitHeight: parent.height
            implicitWidth: parent.height
            onClicked: camera.open()
        }
    }

    function enter(): void {
        if (search.text === "")
            root.payAsked();
        else if (grid.count > 0)
            root.tapped((grid.itemAtIndex(0) as GoodsTile).styleNo);
    }

    ListView {
        id: shelves
        anchors { top: head.bottom; topMargin: Theme.compact ? 8 : 12 }
        width: parent.width
        height: Theme.touch
        leftMargin: Theme.margin
        rightMargin: Theme.margin
        orientation: ListView.Horizontal
        boundsBehavior: Flickable.StopAtBounds
        spacing: 8
        clip: true
        model: root.vm.categories
        delegate: Chip {
            required property string code
            required property string name
            required property string styles

            text: name
            glyph: code === "" ? "layout-grid" : ""
            count: code === "" ? styles : ""
            chosen: root.vm.category === code
            onClicked: root.vm.choose(code)
        }
    }

    GridView {
        id: grid
        anchors { top: shelves.bottom; topMargin: Theme.compact ? 8 : 14; bottom: parent.bottom }
        x: Theme.margin
        width: parent.width - 2 * Theme.margin + Theme.gap
        cellWidth: Math.floor(width / root.across)
        cellHeight: Math.round(Math.min(cellWidth, 230) * (Theme.compact ? 0.66 : 0.8)) + 78
        clip: true
        reuseItems: true // making a screen full of tiles again costs 20 ms more than filling old ones
        cacheBuffer: 0 // delegates made ahead are made later, and a search may have removed their rows
        bottomMargin: Theme.gap
        boundsBehavior: Flickable.StopAtBounds
        keyNavigationEnabled: true
        model: root.vm.tiles
        onContentYChanged: if (contentY + 2 * height > contentHeight) root.vm.fetchMore()
        Keys.onEscapePressed: root.escaped()

        delegate: GoodsTile {
            width: grid.cellWidth - Theme.gap
            height: grid.cellHeight - Theme.gap
            onClicked: root.tapped(styleNo)
            // The view only stops painting a tile it puts aside: it would still be read out.
            GridView.onPooled: visible = false
            GridView.onReused: visible = true
        }
    }
    EmptyState {
        anchors.centerIn: grid
        width: Math.min(380, grid.width - 40)
        visible: root.vm.state !== "tiles"
        glyph: root.vm.state === "problem" ? "database" : root.vm.state === "no_goods" ? "package-open" : "search"
        title: Words.t("sell." + root.vm.state)
        hint: root.vm.problem || Words.t("sell." + root.vm.state + "_hint")
        action: root.vm.state === "no_goods" ? "" : root.vm.state === "problem"
            ? Words.t("common.retry") : Words.t("sell.show_all")
        onActed: {
            if (root.vm.state === "problem")
                return root.vm.reload();
            search.clear();
            root.vm.choose("");
        }
    }
}
