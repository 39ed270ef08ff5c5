/*
 * The three names of ankerl's unordered_dense that mediasoup's worker uses, from the standard
 * library. The standard containers promise more (stable addresses), so code that is right with
 * ankerl's is right with these.
 */
#ifndef SLUICE_UNORDERED_DENSE_H
#define SLUICE_UNORDERED_DENSE_H

#include <functional>
#include <unordered_map>
#include <unordered_set>

namespace ankerl::unordered_dense
{
	template<typename Key>
	using hash = std::hash<Key>;

	template<typename Key, typename Value, typename Hash = std::hash<Key>, typename Equal = std::equal_to<Key>>
	using map = std::unordered_map<Key, Value, Hash, Equal>;

	template<typename Key, typename Hash = std::hash<Key>, typename Equal = std::equal_to<Key>>
	using set = std::unordered_set<Key, Hash, Equal>;
} // namespace ankerl::unordered_dense

#endif
