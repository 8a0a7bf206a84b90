pragma ComponentBehavior: Bound
import QtQuick
import Guide

// The day's net by hour as one curve; the best hour carries a dot. Drawn only when figures change.
Item {
    id: root

    required property var hours
    readonly property real foot: 26
    readonly property real step: width / Math.max(marks.count, 1)

    function draw(): void {
        canvas.requestPaint();
    }

    onWidthChanged: draw()
    onHeightChanged: draw()

    Canvas {
        id: canvas
        width: parent.width
        height: parent.height - root.foot
        renderStrategy: Canvas.Immediate
        Accessible.ignored: true

        property bool dark: Theme.dark
        onDarkChanged: requestPaint()

        onPaint: {
            const points = [];
            for (let i = 0; i < marks.count; i++) {
                const mark = marks.itemAt(i) as Mark;
                if (mark)
                    points.push({ x: mark.x + mark.width / 2, y: mark.peak, best: mark.best });
            }
            const pen = getContext("2d");
            pen.reset();
            if (points.length < 2)
                return;
            const trace = () => {
                pen.moveTo(points[0].x, points[0].y);
                for (let i = 1; i < points.length; i++) {
                    const middle = (points[i - 1].x + points[i].x) / 2;
                    pen.bezierCurveTo(middle, points[i - 1].y, middle, points[i].y, points[i].x, points[i].y);
                }
            };
            pen.strokeStyle = Theme.line;
            pen.lineWidth = 1;
            for (let part = 0; part <= 3; part++) {
                const y = 12 + (height - 13) * part / 3;
                pen.beginPath();
                pen.moveTo(0, y);
                pen.lineTo(width, y);
                pen.stroke();
            }
            pen.beginPath();
            trace();
            pen.lineTo(points[points.length - 1].x, height - 1);
            pen.lineTo(points[0].x, height - 1);
            pen.closePath();
            pen.fillStyle = Theme.accentSoft;
            pen.fill();
            pen.beginPath();
            trace();
            pen.strokeStyle = Theme.accent;
            pen.lineWidth = 3;
            pen.lineJoin = "round";
            pen.stroke();
            for (const point of points.filter(one => one.best)) {
                pen.beginPath();
                pen.arc(point.x, point.y, 7, 0, 2 * Math.PI);
                pen.fillStyle = Theme.accent;
                pen.fill();
                pen.beginPath();
                pen.arc(point.x, point.y, 3, 0, 2 * Math.PI);
                pen.fillStyle = Theme.surface;
                pen.fill();
            }
        }
    }
    Repeater {
        id: marks
        model: root.hours

        Mark {}
        onItemAdded: root.draw()
        onItemRemoved: root.draw()
    }

    component Mark: Item {
        id: mark

        required property int index
        required property string label
        required property real part
        required property string amount
        required property bool best
        readonly property real peak: 12 + (canvas.height - 13) * (1 - part)

        x: index * root.step
        width: root.step
        height: root.height
        onPeakChanged: root.draw()
        onBestChanged: root.draw()
        Accessible.role: Accessible.StaticText
        Accessible.name: label + ":00 " + amount

        Label {
            anchors { bottom: parent.bottom; horizontalCenter: parent.horizontalCenter }
            height: root.foot - 6
            visible: mark.index % 2 === 0 || mark.best
            text: mark.label
            size: Theme.textS
            strong: mark.best
            color: mark.best ? Theme.accentText : Theme.ink3
            font.features: Theme.tabular
        }
    }
}
