// SPDX-License-Identifier: GPL-2.0
#include "pages.hh"

#include "xen.hh"

namespace sim
{

Pages::Pages(Verdict &verdict, Xen &xen, size_t count)
    : verdict_(verdict), xen_(xen), pages_(count), grants_(count)
{
	for (size_t i = count; i--;) {
		pages_[i].frame = first_frame + i;
		free_.push_back(&pages_[i]);
	}
}

Page *Pages::alloc()
{
	KernelLock lock(mutex_);
	if (free_.empty())
		return nullptr;
	Page *page = free_.back();
	free_.pop_back();
	if (page->maps)
		verdict_.broken("a page is used again that the other side has mapped");
	page->owners = 1;
	return page;
}

void Pages::put(Page *page)
{
	int left = --page->owners;
	if (left < 0)
		verdict_.broken("a page is put more often than it was got");
	if (left != 0)
		return;
	KernelLock lock(mutex_);
	for (uint32_t ref : grants_[index(page)])
		if (xen_.is_open(ref, page->frame))
			verdict_.broken("a page is freed that reference " + std::to_string(ref) +
					" still grants");
	grants_[index(page)].clear();
	if (page->maps)
		verdict_.broken("a page is freed that the other side has mapped");
	free_.push_back(page);
}

Page *Pages::find(uint64_t frame)
{
	if (frame < first_frame || frame - first_frame >= pages_.size())
		return nullptr;
	return &pages_[frame - first_frame];
}

Page *Pages::get(uint64_t frame)
{
	Page *page = find(frame);
	if (!page)
		return nullptr;
	int owners = page->owners;
	while (owners > 0)
		if (page->owners.compare_exchange_weak(owners, owners + 1))
			return page;
	return nullptr;
}

void Pages::note_grant(const Page *page, uint32_t ref)
{
	KernelLock lock(mutex_);
	grants_[index(page)].push_back(ref);
}

size_t Pages::in_use()
{
	KernelLock lock(mutex_);
	return pages_.size() - free_.size();
}

} // namespace sim
