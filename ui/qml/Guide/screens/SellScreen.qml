pragma ComponentBehavior: Bound
import QtQuick
import Guide
import Guide.Model

// Selling: goods in the middle, the cart at the right, sheets over both.
FocusScope {
    id: root

    required property RootVm vm
    readonly property CheckoutVm cart: vm.checkout as CheckoutVm
    readonly property GoodsVm goods: vm.goods as GoodsVm
    readonly property MatrixVm matrix: vm.matrix as MatrixVm

    focus: true
    Keys.onPressed: event => {
        switch (event.key) {
        case Qt.Key_F2:
            pane.find();
            break;
        case Qt.Key_F4:
            (root.vm.camera as CameraVm).open();
            break;
        case Qt.Key_F8:
        case Qt.Key_Return:
        case Qt.Key_Enter:
            root.pay();
            break;
        case Qt.Key_Plus:
            root.cart.more(root.cart.selected);
            break;
        case Qt.Key_Minus:
            root.cart.fewer(root.cart.selected);
            break;
        case Qt.Key_Delete:
            root.cart.remove(root.cart.selected);
            break;
        case Qt.Key_Escape:
            pane.leave();
            break;
        case Qt.Key_Z:
            if (!(event.modifiers & Qt.ControlModifier))
                return pane.jump(event);
            root.cart.undo();
            break;
        default:
            return pane.jump(event);
        }
        event.accepted = true;
    }

    function pay(): void {
        if (cart.canPay)
            vm.startPay();
    }

    GoodsPane {
        id: pane
        anchors { left: parent.left; right: panel.left; top: parent.top; bottom: parent.bottom }
        vm: root.goods
        shell: root.vm
        onTapped: styleNo => {
            root.matrix.open(styleNo);
            if (root.matrix.isOpen)
                root.vm.open("matrix");
        }
        onEscaped: root.forceActiveFocus()
        onPayAsked: root.pay()
        onUndoAsked: root.cart.undo()
    }
    CartPane {
        id: panel
        anchors { right: parent.right; top: parent.top; bottom: parent.bottom }
        width: Theme.cartWidth
        vm: root.cart
        shell: root.vm
        onPayAsked: root.pay()
    }

    Over {
        name: "matrix"
        sourceComponent: MatrixSheet {
            vm: root.matrix
            cart: root.cart
            onClosed: {
                root.vm.dismiss();
                root.matrix.close();
            }
        }
    }
    Over {
        name: "member"
        sourceComponent: MemberSheet {
            vm: root.vm.members as MembersVm
            onClosed: root.vm.dismiss()
        }
    }
    Over {
        name: "discount"
        sourceComponent: DiscountSheet {
            vm: root.cart.discount as DiscountVm
            onClosed: root.vm.dismiss()
        }
    }
    Over {
        name: "credit"
        sourceComponent: CreditSheet {
            vm: root.cart.credit as CreditVm
            onClosed: root.vm.dismiss()
        }
    }
    Over {
        name: "parked"
        sourceComponent: ParkedSheet {
            vm: root.cart
            onClosed: root.vm.dismiss()
        }
    }

    component Over: Loader {
        required property string name

        active: root.vm.sheet === name
        onActiveChanged: if (!active) root.forceActiveFocus()
    }
}
