// SPDX-License-Identifier: GPL-2.0
/*
 * The backend's life on xenbus. The attribute "counts" tells what became of the
 * requests.
 *
 *	our state	when
 *	InitWait	probed, or the frontend starts again: waiting for its ring
 *	Connected	its ring is mapped, its event channel bound
 *	Closing		the frontend goes: nothing of its memory is mapped any more
 *	Closed		so has the frontend
 */
#include "back.h"

#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <xen/events.h>
#include <xen/xen.h>
#include <xen/xenbus.h>

static irqreturn_t on_event(int irq, void *arg)
{
	struct echo_back *back = arg;

	/* The first may come before the function that binds it has returned. */
	back->irq = irq;
	queue_work(system_unbound_wq, &back->work);
	return IRQ_HANDLED;
}

/* At the priority of any other work: a guest must not be able to take a processor. */
static void serve(struct work_struct *work)
{
	struct echo_back *back = container_of(work, struct echo_back, work);
	int served = 0;

	if (!back->broken) {
		served = echo_back_serve(back);
		if (served < 0) {
			back->broken = true;
			dev_err(&back->xbdev->dev, "the frontend breaks the protocol: stopped\n");
		}
	}
	/* An event without a request costs the frontend time, not us. */
	xen_irq_lateeoi(back->irq, served > 0 ? 0 : XEN_EOI_FLAG_SPURIOUS);
}

static void disconnect(struct echo_back *back)
{
	if (back->irq) {
		WRITE_ONCE(back->stop, true);
		disable_irq(back->irq);
		cancel_work_sync(&back->work);
		unbind_from_irqhandler(back->irq, back);
		back->irq = 0;
	}
	if (back->shared)
		xenbus_unmap_ring_vfree(back->xbdev, back->shared);
	back->shared = NULL;
	back->stop = false;
	back->broken = false;
}

static int connect(struct echo_back *back)
{
	struct xenbus_device *xbdev = back->xbdev;
	unsigned int ring_ref, port;
	void *shared;
	int irq, err;

	err = xenbus_gather(XBT_NIL, xbdev->otherend, "ring-ref", "%u", &ring_ref,
			    "event-channel", "%u", &port, NULL);
	if (err)
		return err;
	err = xenbus_map_ring_valloc(xbdev, &ring_ref, 1, &shared);
	if (err)
		return err;
	back->shared = shared;
	BACK_RING_INIT(&back->ring, back->shared, ECHO_PAGE_BYTES);
	irq = bind_interdomain_evtchn_to_irqhandler_lateeoi(xbdev, port, on_event, 0, ECHO_DEVICE,
							    back);
	if (irq < 0)
		return irq;
	back->irq = irq;
	return 0;
}

static void frontend_changed(struct xenbus_device *xbdev, enum xenbus_state state)
{
	struct echo_back *back = dev_get_drvdata(&xbdev->dev);
	int err;

	switch (state) {
	case XenbusStateInitialising:
		/* A driver that was loaded again. */
		if (xbdev->state == XenbusStateClosed)
			xenbus_switch_state(xbdev, XenbusStateInitWait);
		break;
	case XenbusStateInitialised:
	case XenbusStateConnected:
		if (xbdev->state != XenbusStateInitWait)
			break;
		err = connect(back);
		if (err) {
			disconnect(back);
			xenbus_dev_fatal(xbdev, err, "connecting");
			break;
		}
		xenbus_switch_state(xbdev, XenbusStateConnected);
		break;
	case XenbusStateClosing:
		disconnect(back);
		xenbus_switch_state(xbdev, XenbusStateClosing);
		break;
	case XenbusStateClosed:
		/* Left by a driver that has gone; this one is waiting for the next. */
		if (xbdev->state == XenbusStateInitWait && xenbus_dev_is_online(xbdev))
			break;
		disconnect(back);
		xenbus_switch_state(xbdev, XenbusStateClosed);
		if (xenbus_dev_is_online(xbdev))
			break;
		fallthrough;
	case XenbusStateUnknown:
		/* The guest has gone, or the toolstack takes the device away. */
		device_unregister(&xbdev->dev);
		break;
	default:
		break;
	}
}

static ssize_t counts_show(struct device *device, struct device_attribute *attribute, char *text)
{
	struct echo_back *back = dev_get_drvdata(device);

	return sysfs_emit(text, "served %llu\nrefused %llu\n", READ_ONCE(back->served),
			  READ_ONCE(back->refused));
}
static DEVICE_ATTR_RO(counts);
static struct attribute *echo_attrs[] = { &dev_attr_counts.attr, NULL };
ATTRIBUTE_GROUPS(echo);

static int probe(struct xenbus_device *xbdev, const struct xenbus_device_id *id)
{
	struct echo_back *back = kzalloc(sizeof(*back), GFP_KERNEL);
	int err;

	if (!back)
		return -ENOMEM;
	back->xbdev = xbdev;
	INIT_WORK(&back->work, serve);
	err = echo_back_alloc(back);
	if (err) {
		kfree(back);
		return err;
	}
	dev_set_drvdata(&xbdev->dev, back);
	return xenbus_switch_state(xbdev, XenbusStateInitWait);
}

static void remove(struct xenbus_device *xbdev)
{
	struct echo_back *back = dev_get_drvdata(&xbdev->dev);

	disconnect(back);
	echo_back_free(back);
	dev_set_drvdata(&xbdev->dev, NULL);
	kfree(back);
}

static const struct xenbus_device_id ids[] = {
	{ ECHO_DEVICE },
	{ "" }
};
MODULE_ALIAS("xen-backend:" ECHO_DEVICE);

static struct xenbus_driver driver = {
	.name = KBUILD_MODNAME,
	.ids = ids,
	.probe = probe,
	.remove = remove,
	.otherend_changed = frontend_changed,
	.driver.dev_groups = echo_groups,
};

static int __init echo_back_init(void)
{
	return xen_domain() ? xenbus_register_backend(&driver) : -ENODEV;
}
module_init(echo_back_init);

static void __exit echo_back_exit(void)
{
	xenbus_unregister_driver(&driver);
}
module_exit(echo_back_exit);

MODULE_DESCRIPTION("Backend of the echo device, an example of xengnt");
MODULE_LICENSE("GPL");
