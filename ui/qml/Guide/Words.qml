pragma Singleton
import QtQuick

// The till's fixed words. `table` is filled by ui/text.py and again when the language changes; every
// binding that calls `t` reads it and so follows. Words with figures come from the view-models.
QtObject {
    id: root

    property var table: ({})

    function t(key: string): string {
        const words = root.table[key];
        return words === undefined ? key : words;
    }
}
