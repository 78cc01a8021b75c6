// SPDX-License-Identifier: GPL-2.0
/*
 * The frontend's life on xenbus. A run of messages is started by writing their
 * number into the device's attribute "run"; the write returns when all have been
 * answered. The attribute "counts" tells what became of all messages.
 *
 *	our state	when
 *	Initialising	probed, or restored: waiting for a backend in InitWait
 *	Initialised	ring and event channel are in xenstore
 *	Connected	the backend is connected: messages flow
 *	Closing		the driver goes: the backend is to let go
 *	Closed		nothing is shared any more
 */
#include "front.h"

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <xen/events.h>
#include <xen/xen.h>
#include <xen/xenbus.h>

#define RUN_MAX		1000000
#define STALL_SECONDS	30	/* for a run; a restore is done by then */
#define CLOSE_MS	5000	/* for the backend to let go */

struct echo_device {
	struct xenbus_device *xbdev;
	struct echo_front *front;
	struct mutex lock;	/* held for all calls of front.h */
	struct mutex run;	/* one run at a time */
	wait_queue_head_t wait;	/* of the run */
	unsigned int irq;	/* 0: none */
	struct work_struct work;	/* what an event asks for */
	/* Written under the lock, read by who waits. */
	bool broken;		/* the backend has lied: nothing more is read from it */
	bool idle;		/* nothing more is to be sent or answered */
	u64 progress;		/* messages that have come back so far */
};

/* --- the ring's events ---------------------------------------------------------- */

static void send_more(struct echo_device *dev)
{
	if (!dev->broken && echo_front_send(dev->front))
		notify_remote_via_irq(dev->irq);
}

/* For who waits, after each change. */
static void tell(struct echo_device *dev)
{
	struct echo_counts counts = echo_front_counts(dev->front);

	WRITE_ONCE(dev->progress, counts.answered + counts.wrong);
	WRITE_ONCE(dev->idle, echo_front_idle(dev->front));
	wake_up(&dev->wait);
}

static irqreturn_t on_event(int irq, void *arg)
{
	struct echo_device *dev = arg;

	/* The first may come before the function that binds it has returned. */
	dev->irq = irq;
	queue_work(system_freezable_wq, &dev->work);
	return IRQ_HANDLED;
}

/* At the priority of any other work: messages take their time. The event channel
 * stays masked until this is done, and longer when there was nothing to do, which
 * is what holds back a backend that sends events in a storm.
 */
static void serve(struct work_struct *work)
{
	struct echo_device *dev = container_of(work, struct echo_device, work);
	int taken = 0;

	mutex_lock(&dev->lock);
	if (!dev->broken) {
		taken = echo_front_receive(dev->front);
		if (taken < 0) {
			WRITE_ONCE(dev->broken, true);
			dev_err(&dev->xbdev->dev, "the backend breaks the protocol: stopped\n");
		}
		send_more(dev);
	}
	tell(dev);
	mutex_unlock(&dev->lock);
	xen_irq_lateeoi(dev->irq, taken > 0 ? 0 : XEN_EOI_FLAG_SPURIOUS);
}

/* --- connecting -------------------------------------------------------------------- */

static void disconnect(struct echo_device *dev)
{
	/* Not under the lock: waits for the work, which takes it. */
	if (dev->irq) {
		disable_irq(dev->irq);
		cancel_work_sync(&dev->work);
		unbind_from_irqhandler(dev->irq, dev);
		dev->irq = 0;
	}
	mutex_lock(&dev->lock);
	echo_front_disconnect(dev->front);
	WRITE_ONCE(dev->broken, false);
	tell(dev);
	mutex_unlock(&dev->lock);
}

static int make_event_channel(struct echo_device *dev, evtchn_port_t *port)
{
	int irq, err;

	err = xenbus_alloc_evtchn(dev->xbdev, port);
	if (err)
		return err;
	irq = bind_evtchn_to_irqhandler_lateeoi(*port, on_event, 0, ECHO_DEVICE, dev);
	if (irq < 0) {
		xenbus_free_evtchn(dev->xbdev, *port);
		return irq;
	}
	dev->irq = irq;
	return 0;
}

static int publish(struct xenbus_device *xbdev, u32 ring_ref, evtchn_port_t port)
{
	struct xenbus_transaction xbt;
	int err;

	do {
		err = xenbus_transaction_start(&xbt);
		if (err)
			return err;
		err = xenbus_printf(xbt, xbdev->nodename, "ring-ref", "%u", ring_ref);
		if (!err)
			err = xenbus_printf(xbt, xbdev->nodename, "event-channel", "%u", port);
		if (err) {
			xenbus_transaction_end(xbt, 1);
			return err;
		}
		err = xenbus_transaction_end(xbt, 0);
	} while (err == -EAGAIN);
	return err;
}

static void connect(struct echo_device *dev)
{
	evtchn_port_t port;
	u32 ring_ref;
	int err;

	disconnect(dev);	/* what an earlier try has left */
	mutex_lock(&dev->lock);
	err = echo_front_connect(dev->front, dev->xbdev->otherend_id, &ring_ref);
	mutex_unlock(&dev->lock);
	if (!err)
		err = make_event_channel(dev, &port);
	if (!err)
		err = publish(dev->xbdev, ring_ref, port);
	if (err) {
		disconnect(dev);
		xenbus_dev_fatal(dev->xbdev, err, "connecting");
		return;
	}
	xenbus_switch_state(dev->xbdev, XenbusStateInitialised);
}

static void backend_changed(struct xenbus_device *xbdev, enum xenbus_state state)
{
	struct echo_device *dev = dev_get_drvdata(&xbdev->dev);

	switch (state) {
	case XenbusStateInitWait:
		/* A backend that was loaded again finds us closed. */
		if (xbdev->state == XenbusStateClosed)
			xenbus_switch_state(xbdev, XenbusStateInitialising);
		if (xbdev->state == XenbusStateInitialising)
			connect(dev);
		break;
	case XenbusStateConnected:
		if (xbdev->state != XenbusStateInitialised)
			break;
		xenbus_switch_state(xbdev, XenbusStateConnected);
		mutex_lock(&dev->lock);
		send_more(dev);
		mutex_unlock(&dev->lock);
		break;
	case XenbusStateClosed:
		/* It has not seen yet that we have started again. */
		if (xbdev->state == XenbusStateInitialising)
			break;
		fallthrough;
	case XenbusStateClosing:
		if (xbdev->state == XenbusStateClosed)
			break;
		disconnect(dev);
		xenbus_frontend_closed(xbdev);
		break;
	default:
		break;
	}
}

/* --- runs ---------------------------------------------------------------------------- */

static int wait_for_answers(struct echo_device *dev)
{
	u64 before;
	long left;

	do {
		before = READ_ONCE(dev->progress);
		/* Freezable: a guest is saved with a run going on. */
		left = wait_event_freezable_timeout(dev->wait, READ_ONCE(dev->idle) ||
						    READ_ONCE(dev->broken), STALL_SECONDS * HZ);
	} while (!left && READ_ONCE(dev->progress) != before);
	if (left < 0)
		return left;
	if (READ_ONCE(dev->broken))
		return -EPROTO;
	return left ? 0 : -ETIMEDOUT;
}

static ssize_t run_store(struct device *device, struct device_attribute *attribute,
			 const char *text, size_t size)
{
	struct echo_device *dev = dev_get_drvdata(device);
	struct echo_counts before, after;
	unsigned int messages;
	int err;

	if (kstrtouint(text, 0, &messages) || !messages || messages > RUN_MAX)
		return -EINVAL;
	if (mutex_lock_interruptible(&dev->run))
		return -ERESTARTSYS;

	mutex_lock(&dev->lock);
	before = echo_front_counts(dev->front);
	echo_front_want(dev->front, messages);
	/* A ring that is not connected yet sends them when it is. */
	if (dev->xbdev->state == XenbusStateConnected)
		send_more(dev);
	tell(dev);
	mutex_unlock(&dev->lock);

	err = wait_for_answers(dev);

	mutex_lock(&dev->lock);
	echo_front_cancel(dev->front);
	after = echo_front_counts(dev->front);
	mutex_unlock(&dev->lock);
	mutex_unlock(&dev->run);
	if (!err && after.wrong != before.wrong)
		err = -EIO;
	return err ? err : size;
}

static ssize_t counts_show(struct device *device, struct device_attribute *attribute, char *text)
{
	struct echo_device *dev = dev_get_drvdata(device);
	struct echo_counts counts;

	mutex_lock(&dev->lock);
	counts = echo_front_counts(dev->front);
	mutex_unlock(&dev->lock);
	return sysfs_emit(text, "answered %llu\nbytes %llu\nwrong %llu\nresent %llu\nkept %llu\n",
			  counts.answered, counts.bytes, counts.wrong, counts.resent,
			  counts.kept);
}

static DEVICE_ATTR_WO(run);
static DEVICE_ATTR_RO(counts);
static struct attribute *echo_attrs[] = { &dev_attr_run.attr, &dev_attr_counts.attr, NULL };
ATTRIBUTE_GROUPS(echo);

/* --- life ------------------------------------------------------------------------------ */

static int probe(struct xenbus_device *xbdev, const struct xenbus_device_id *id)
{
	struct echo_device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);

	if (!dev)
		return -ENOMEM;
	dev->xbdev = xbdev;
	mutex_init(&dev->lock);
	mutex_init(&dev->run);
	init_waitqueue_head(&dev->wait);
	INIT_WORK(&dev->work, serve);
	dev->front = echo_front_create(dev_name(&xbdev->dev));
	if (!dev->front) {
		kfree(dev);
		return -ENOMEM;
	}
	dev_set_drvdata(&xbdev->dev, dev);
	/* Closed when an earlier driver has been here: the backend starts again too. */
	xenbus_switch_state(xbdev, XenbusStateInitialising);
	return 0;
}

/* The machine that we were saved on has gone, and with it who had our pages mapped. */
static int resume(struct xenbus_device *xbdev)
{
	disconnect(dev_get_drvdata(&xbdev->dev));
	return 0;
}

static void wait_for_backend(struct xenbus_device *xbdev, enum xenbus_state wanted)
{
	enum xenbus_state state;
	unsigned int ms;

	for (ms = 0; ms < CLOSE_MS; ms += 20) {
		/* Not xenbus_read_driver_state(): its parameters depend on the kernel. */
		state = xenbus_read_unsigned(xbdev->otherend, "state", XenbusStateUnknown);
		if (state == XenbusStateUnknown || state >= wanted)
			return;
		msleep(20);
	}
	dev_warn(&xbdev->dev, "the backend does not let go\n");
}

static void remove(struct xenbus_device *xbdev)
{
	struct echo_device *dev = dev_get_drvdata(&xbdev->dev);

	if (xbdev->state != XenbusStateClosed) {
		xenbus_switch_state(xbdev, XenbusStateClosing);
		wait_for_backend(xbdev, XenbusStateClosing);
		/* What a backend still has mapped after that is kept until it lets go. */
		disconnect(dev);
		xenbus_switch_state(xbdev, XenbusStateClosed);
		wait_for_backend(xbdev, XenbusStateClosed);
	}
	echo_front_destroy(dev->front);
	dev_set_drvdata(&xbdev->dev, NULL);
	kfree(dev);
}

static const struct xenbus_device_id ids[] = {
	{ ECHO_DEVICE },
	{ "" }
};
MODULE_ALIAS("xen:" ECHO_DEVICE);

static struct xenbus_driver driver = {
	.name = KBUILD_MODNAME,
	.ids = ids,
	.allow_rebind = true,
	.probe = probe,
	.remove = remove,
	.resume = resume,
	.otherend_changed = backend_changed,
	.driver.dev_groups = echo_groups,
};

static int __init echo_front_init(void)
{
	return xen_domain() ? xenbus_register_frontend(&driver) : -ENODEV;
}
module_init(echo_front_init);

static void __exit echo_front_exit(void)
{
	xenbus_unregister_driver(&driver);
}
module_exit(echo_front_exit);

MODULE_DESCRIPTION("Frontend of the echo device, an example of xengnt");
MODULE_LICENSE("GPL");
